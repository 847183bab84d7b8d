// Draws the icons of the app from the icon of the page, as systems take no drawings.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Page } from "@playwright/test";

const source = resolve(import.meta.dirname, "../../../web/src");
const SIZE = 32;
/** Systems cut maskable icons: what matters is inside of a circle, and the ground goes on around it. */
const MARGIN = 0.1 * SIZE;

export async function drawIcons(painter: Page): Promise<void> {
  await draw(painter, "icon-192", 192, 0);
  await draw(painter, "icon-512", 512, 0);
  await draw(painter, "icon-maskable-512", 512, MARGIN);
}

async function draw(painter: Page, name: string, size: number, margin: number): Promise<void> {
  let svg = readFileSync(`${source}/icon.svg`, "utf8");
  if (margin > 0) {
    const side = SIZE + 2 * margin;
    const ground = `<rect x="${-margin}" y="${-margin}" width="${side}" height="${side}"`;
    svg = svg
      .replace(`0 0 ${SIZE} ${SIZE}`, `${-margin} ${-margin} ${side} ${side}`)
      .replace(`<rect width="${SIZE}" height="${SIZE}" rx="9"`, ground);
  }
  const style = `body{margin:0}svg{display:block;width:${size}px;height:${size}px}`;
  await painter.setViewportSize({ width: size, height: size });
  await painter.setContent(`<style>${style}</style>${svg}`);
  await painter.screenshot({ path: `${source}/icons/${name}.png`, omitBackground: true });
}
