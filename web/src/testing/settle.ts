/** Waits until components have run their effects, which they do after the next frame, and drawn what these changed. */
export const settle = (): Promise<void> =>
  new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve, 30));
  });
