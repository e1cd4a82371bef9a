import cluster from 'node:cluster';

// Starts the API. This file is plain JavaScript, so that an older Node.js, which cannot run TypeScript, prints which version is needed.
const needed = 24;

if (Number.parseInt(process.versions.node, 10) < needed) {
  console.error(
    `The API needs Node.js ${needed} or newer, and this is ${process.versions.node}: use \`npx node apps/api/main.mjs\` or \`npm start\`, which run the Node.js of node_modules.`,
  );
  process.exit(1);
}
// The primary starts this file again for each process that serves.
await import(cluster.isPrimary ? './src/primary.ts' : './src/main.ts');
