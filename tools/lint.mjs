// Lints every process of bpmn/ with the rules that Camunda Modeler applies for Camunda 8.5 and for 8.8, and with bpmnlint's recommended ones.
// Prints one line per finding, with the profile it is of; exit code 1 when there is any.
// usage: node tools/lint.mjs [models folder]
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { BpmnModdle } = await import('bpmn-moddle');
const { Linter } = require('bpmnlint');
const NodeResolver = require('bpmnlint/lib/resolver/node-resolver');
const zeebe = require('zeebe-bpmn-moddle/resources/zeebe.json');
const modeler = require('modeler-moddle/resources/modeler.json');

const models = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..', 'bpmn'));
const moddle = new BpmnModdle({ zeebe, modeler });
const PROFILES = {
  'bpmnlint recommended': 'bpmnlint:recommended',
  'Camunda 8.5': 'plugin:camunda-compat/camunda-cloud-8-5',
  'Camunda 8.8': 'plugin:camunda-compat/camunda-cloud-8-8',
};
const OFF = {
  'no-inclusive-gateway': 'off', // Zeebe runs an inclusive fork; a join, which 8.5 does not know, is told by the Camunda profile
  'superfluous-termination': 'off', // it does not see that a parallel branch goes round for ever (major-incident's reports) until it is ended
};
// Made for each file anew: a linter keeps its rules, and rules remember what they saw in the file before.
const linters = () => Object.entries(PROFILES).map(([name, config]) => [name, new Linter({ config: { extends: [config], rules: OFF }, resolver: new NodeResolver({ require }) })]);

let findings = 0;
let files = 0;
for (const file of (await readdir(models, { recursive: true })).filter((name) => name.endsWith('.bpmn')).sort()) {
  const shown = relative(process.cwd(), join(models, file));
  const tell = (id, message, rule) => {
    findings += 1;
    console.log(`${shown}: ${id ?? ''}: ${message} [${rule}]`);
  };
  files += 1;
  const xml = await readFile(join(models, file), 'utf8');
  for (const [index, [profile, linter]] of linters().entries()) {
    const { rootElement, warnings } = await moddle.fromXML(xml);
    if (index === 0) for (const warning of warnings) tell(warning.element?.id, warning.message, 'import');
    for (const [rule, reports] of Object.entries(await linter.lint(rootElement))) {
      for (const report of reports) tell(report.id, report.message, `${profile}: ${rule}`);
    }
  }
}
if (!files) {
  console.log(`${models}: no .bpmn file`);
  findings += 1;
}
console.log(`${files} processes linted with ${Object.keys(PROFILES).join(', ')}: ${findings} findings`);
process.exitCode = findings ? 1 : 0;
