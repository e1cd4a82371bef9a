// Runs after every `npm install` in this repository and tells people with an older Node that it is enough. Their npm would print pages of EBADENGINE
// warnings about it; .npmrc (loglevel=error) hides them, unless another log level was asked for.
// npm runs scripts with the Node of node_modules, so the version of the Node that runs npm is only in the user agent: `npm/11.19.1 node/v20.20.2 …`.
const bundled = 24;
const version = /node\/v(\d+\S*)/.exec(process.env.npm_config_user_agent ?? '')?.[1] ?? process.versions.node;
const logLevel = process.env.npm_config_loglevel ?? '';
// scripts/run.mjs sets TRIBUTARY_COMMAND: it installs missing packages for a command, which starts by itself afterwards.
const isWanted = logLevel !== 'silent' && !process.env.TRIBUTARY_COMMAND;
if (Number.parseInt(version, 10) < bundled && isWanted) {
  const warnings = logLevel === 'error' ? '' : ' and the EBADENGINE warnings are harmless';
  console.log(
    `Every command of this repository runs on the Node.js ${bundled} that npm has installed in node_modules, so your Node.js ${version} is enough${warnings}. Start with: npm start`,
  );
}
