/**
 * Takes a picture of every scene in light, dark and narrow, for people to look at: `npm run gallery [scene…]`.
 * Needs a Chromium; CHROMIUM names it if it is not /usr/bin/chromium.
 */
import { chromium } from "playwright-core";
import { createServer } from "vite";

const SHOTS = new URL("shots/", import.meta.url).pathname;
const LOOKS = [
  { name: "light", colorScheme: "light", viewport: { width: 1120, height: 760 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1120, height: 760 } },
  { name: "narrow", colorScheme: "light", viewport: { width: 360, height: 740 } },
];

const server = await createServer({
  root: new URL("../..", import.meta.url).pathname,
  server: { port: 0 },
  logLevel: "error",
});
await server.listen();
const base = server.resolvedUrls.local[0];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
try {
  const { SCENES } = await server.ssrLoadModule("/test/gallery/scenes.ts");
  const scenes = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SCENES);
  for (const look of LOOKS) {
    const page = await browser.newPage({ ...look, deviceScaleFactor: 2, hasTouch: look.name === "narrow" });
    page.on("pageerror", (error) => {
      throw error;
    });
    for (const scene of scenes) {
      await page.goto(`${base}test/gallery/index.html?scene=${scene}`);
      await page.evaluate(() => document.fonts.ready);
      await page.waitForTimeout(250);
      await page.screenshot({ path: `${SHOTS}${scene}-${look.name}.png` });
    }
    await page.close();
  }
} finally {
  await browser.close();
  await server.close();
}
