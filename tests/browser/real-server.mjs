// SPDX-License-Identifier: Apache-2.0
/*
 * The real daemon (LKSM_BIN), fed through a regular file of raw /dev/kmsg records, with the
 * same methods as the mock server where a test needs them.
 */
import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const START_MS = 30000;
const STOP_MS = 30000;

async function freePort() {
	const server = createServer();

	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

export class RealServer {
	isReal = true;
	#record = 1;

	constructor(binary) {
		this.binary = binary;
	}

	get url() {
		return `http://127.0.0.1:${this.port}/`;
	}

	async start() {
		if (!this.folder) {
			this.folder = await mkdtemp(path.join(tmpdir(), 'lksm-browser-'));
			this.kmsg = path.join(this.folder, 'kmsg');
			this.port = await freePort();
			await writeFile(this.kmsg, '');
		}
		this.output = '';
		this.child = spawn(this.binary, ['run', '--kmsg', this.kmsg, '--log-dir',
			path.join(this.folder, 'logs'), '--listen', `127.0.0.1:${this.port}`],
		{ stdio: ['ignore', 'pipe', 'pipe'] });
		for (const stream of [this.child.stdout, this.child.stderr])
			stream.on('data', (text) => { this.output += text; });
		this.exited = new Promise((resolve) => this.child.once('exit', resolve));
		await this.#untilUp();
		this.token = (await readFile(path.join(this.folder, 'logs', '.dashboard_token'), 'utf8')).trim();
	}

	async #untilUp() {
		const deadline = Date.now() + START_MS;

		for (;;) {
			try {
				if ((await fetch(`${this.url}healthz`)).ok)
					return;
			} catch {
				/* not listening yet */
			}
			if (Date.now() > deadline || this.child.exitCode !== null) {
				await this.stop();
				throw new Error(`${this.binary} did not come up:\n${this.output}`);
			}
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}

	async stop() {
		const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);

		this.child.kill('SIGTERM');
		await this.exited;
		clearTimeout(timer);
	}

	async destroy() {
		await this.stop();
		await rm(this.folder, { recursive: true, force: true });
	}

	/* Kernel-log texts, as the sensor prints them. */
	async log(...texts) {
		const records = texts.map((text) => {
			const record = this.#record++;

			return `6,${record},${120000000 + record},-;${escapeRecord(text)}\n`;
		});

		await appendFile(this.kmsg, records.join(''));
	}
}

/* As the kernel does in /dev/kmsg: non-printables, bytes from 127 up and the backslash as \xNN. */
export function escapeRecord(text) {
	return [...Buffer.from(text)].map((byte) => byte < 0x20 || byte >= 0x7f || byte === 0x5c ?
		`\\x${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte)).join('');
}
