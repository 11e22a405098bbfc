import { defineConfig } from "vitest/config";
import { leaveOut } from "./tools/leave-out";
import { licenses } from "./tools/licenses";

/** Where `npm run dev` finds a running `hocket serve`. */
const DEV_SERVER = "http://127.0.0.1:8080";

export default defineConfig({
  // Relative addresses, so that the page works under whatever prefix an app mounts it.
  base: "./",
  plugins: [leaveOut(), licenses()],
  build: {
    outDir: "../src/hocket/web",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 400,
  },
  server: {
    proxy: {
      "/protocol.voice.v1.VoiceService": { target: DEV_SERVER, ws: true, changeOrigin: false },
    },
  },
  test: {
    include: ["test/**/*.test.ts"],
    restoreMocks: true,
  },
});
