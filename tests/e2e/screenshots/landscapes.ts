// Two drawn landscapes, so that no photographs are needed.

const ridge = (seed: number, base: number, height: number) => {
  const points = Array.from({ length: 25 }, (_, at) => {
    const wave =
      Math.sin(at * 0.9 + seed) + Math.sin(at * 0.37 + seed * 2.1) + 0.4 * Math.sin(at * 2.3 + seed * 3);
    return `${at * 50},${Math.round(base - height * (0.5 + wave / 4.8))}`;
  });
  return `M0,900 L${points.join(" L")} L1200,900 Z`;
};

const scene = (sky: string[], sun: string, ridges: string[], seed: number) => `
  <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 800" width="1200" height="800">
    <defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
      ${sky.map((colour, at) => `<stop offset="${at / (sky.length - 1)}" stop-color="${colour}"/>`).join("")}
    </linearGradient></defs>
    <rect width="1200" height="800" fill="url(#sky)"/>
    <circle cx="${820 - seed * 60}" cy="${300 + seed * 20}" r="62" fill="${sun}" opacity=".9"/>
    ${ridges.map((colour, at) => `<path d="${ridge(seed + at * 1.7, 480 + at * 105, 190 - at * 18)}" fill="${colour}"/>`).join("")}
  </svg>`;

export const landscapes = [
  scene(
    ["#2b3a67", "#b56576", "#f3b391", "#ffe1b8"],
    "#fff3d6",
    ["#8a6f8f", "#5f5a7d", "#3d4468", "#232c48"],
    1,
  ),
  scene(["#4a90c2", "#9cc9e3", "#e4f1f4"], "#fffbe8", ["#9db8c4", "#6f9aa0", "#4b7f6b", "#2f5d46"], 4),
];
