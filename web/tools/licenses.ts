/**
 * Puts the licences of what is bundled beside the page, as they ask for: the built page is part of the wheel.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** Fonts enter through style sheets, whose modules the bundler does not list with their package. */
const FROM_STYLE_SHEETS = ["@fontsource-variable/figtree"];

/** Apache-2.0 is our own licence too; its text is taken from there where a package brings none. */
const OWN_LICENSE = join(import.meta.dirname, "..", "..", "LICENSE");

/** Files whose leading comment is a further licence of their package. */
const FURTHER_LICENSES: Readonly<Record<string, string>> = {
  "@bufbuild/protobuf": "dist/esm/wire/varint.js",
};

/** A plugin that writes `third-party-licenses.txt`. A package without a licence text fails the build. */
export function licenses(): Plugin {
  return {
    name: "hocket-licenses",
    apply: "build",
    generateBundle() {
      const folders = new Set(FROM_STYLE_SHEETS.map((name) => join(import.meta.dirname, "..", "node_modules", name)));
      for (const id of this.getModuleIds()) {
        const folder = packageFolder(id);
        if (folder !== undefined) folders.add(folder);
      }
      const texts = [...folders].sort().map(licenseOf);
      this.emitFile({ type: "asset", fileName: "third-party-licenses.txt", source: texts.join("\n\n") });
    },
  };
}

/** The folder of the package that a module belongs to; undefined for our own modules and the bundler's. */
function packageFolder(moduleId: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(moduleId.replace(/^\0/, ""))?.[0];
}

function licenseOf(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, string>;
  const { name = "", version = "", license = "" } = manifest;
  const title = `${name} ${version} (${license})`;
  const further = FURTHER_LICENSES[name];
  const parts = [title, "=".repeat(title.length), licenseText(folder, name, license)];
  if (further !== undefined) parts.push("", leadingComment(readFileSync(join(folder, further), "utf8")));
  return parts.join("\n");
}

function licenseText(folder: string, name: string, license: string): string {
  const file = readdirSync(folder).find((candidate) => /^licen[cs]e/i.test(candidate));
  if (file !== undefined) return readFileSync(join(folder, file), "utf8").trim();
  if (license.includes("Apache-2.0")) return readFileSync(OWN_LICENSE, "utf8").trim();
  throw new Error(`${name} has no licence text`);
}

/** The line comments at the top of a source file. */
function leadingComment(source: string): string {
  const lines = source.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join("\n");
}
