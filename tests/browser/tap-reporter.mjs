// SPDX-License-Identifier: Apache-2.0
/*
 * node:test's results as flat TAP, the same on every version of node: one line per test, the
 * plan at the end, failures explained in `# ` lines.
 */
import { inspect } from 'node:util';

function explain(error) {
	const cause = error?.cause ?? error;

	return (cause?.stack ?? inspect(cause)).split('\n').map((line) => `# ${line}\n`).join('');
}

export default async function* report(source) {
	let n = 0;

	for await (const { type, data } of source) {
		if (type === 'test:diagnostic' && !/^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms)\b/.test(data.message))
			yield `# ${data.message}\n`;
		if (type !== 'test:pass' && type !== 'test:fail' || data.details?.type === 'suite')
			continue;
		const name = data.name.replace(/#/g, '\\#');
		const skip = data.skip === undefined || data.skip === false ? '' :
			` # SKIP${typeof data.skip === 'string' ? ` ${data.skip}` : ''}`;
		n++;
		yield `${type === 'test:pass' ? 'ok' : 'not ok'} ${n} - ${name}${skip}\n`;
		if (type === 'test:fail')
			yield explain(data.details.error);
	}
	yield `1..${n}\n`;
}
