// Starts the API. This file is plain JavaScript so that an older Node.js, which cannot read TypeScript, says which version is needed.
const needed = 24;

if (Number.parseInt(process.versions.node, 10) < needed) {
  console.error(
    `The API needs Node.js ${needed} or newer, and this is ${process.versions.node}: install that version, or run \`npm start\`, which brings its own.`,
  );
  process.exit(1);
}
await import('./src/main.ts');
