// Run first by every command: brings Node and the dependencies, and prints the path of the Node to go on with.
// Plain JavaScript without imports from the project, because it runs on any Node and before anything is installed.
import { findNode } from './find-node.mjs';
import { installDependencies } from './install-dependencies.mjs';

try {
  const node = await findNode();
  installDependencies(node);
  console.log(node);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
