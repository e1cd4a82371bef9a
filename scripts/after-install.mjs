// Runs after every `npm install` in this repository. Under an older Node, npm prints pages of EBADENGINE warnings; this sentence says what they mean.
// npm runs scripts with the Node of node_modules, so the version of the Node that runs npm is only in the user agent: `npm/11.19.1 node/v20.20.2 …`.
const needed = 24;
const version = /node\/v(\d+\S*)/.exec(process.env.npm_config_user_agent ?? '')?.[1] ?? process.versions.node;
// At these log levels npm prints no warnings, so there is nothing to explain.
const isQuiet = ['silent', 'error'].includes(process.env.npm_config_loglevel ?? '');
if (Number.parseInt(version, 10) < needed && !isQuiet)
  console.log(
    `npm's EBADENGINE warnings are harmless: your Node.js is ${version}, and this repository runs on the Node.js ${needed} that npm has now installed in node_modules. Start it with: npm start`,
  );
