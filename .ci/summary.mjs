// Adds up the test reports and the steps. A skipped test is a failure: in CI everything must be there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...failedSteps] = process.argv.slice(2);
let passed = 0;
let failed = failedSteps.filter((name) => !name.startsWith('tests: ')).length;
for (const name of ['as-readme', 'servers', 'browser', 'interop']) {
  const path = join(folder, `${name}.json`);
  if (!existsSync(path)) {
    console.log(`no report of the tests "${name}"`);
    failed += 1;
    continue;
  }
  const report = JSON.parse(readFileSync(path, 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests + report.numPendingTests + report.numTodoTests;
  for (const file of report.testResults) {
    if (file.status !== 'passed' && file.assertionResults.every((test) => test.status === 'passed')) {
      failed += 1;
      console.log(`${name}: ${file.name} did not run: ${file.message}`);
    }
    for (const test of file.assertionResults) if (test.status !== 'passed') console.log(`${name}: ${test.status}: ${test.fullName}`);
  }
  if (failedSteps.includes(`tests: ${name}`) && report.success) failed += 1;
}
if (passed === 0) failed += 1;
for (const step of failedSteps) console.log(`failed: ${step}`);
console.log(`tours and fuzz logs are in ${readdirSync(folder).join(', ')}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
