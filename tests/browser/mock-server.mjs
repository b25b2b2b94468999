// SPDX-License-Identifier: Apache-2.0
/*
 * The dashboard's HTTP API in small, for tests of the page alone: what a test cannot bring
 * about in the real daemon at will (an overrun, a refused stream, a server that is gone) is a
 * method here. It serves web/ under the daemon's own Content-Security-Policy.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { answerHistory, Unknown } from './mock-history.mjs';
import { stamp } from './sample-events.mjs';

const WEB = fileURLToPath(new URL('../../web/', import.meta.url));
const RING = 500;
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES = { '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8',
	'.js': 'text/javascript; charset=utf-8', '.svg': 'image/svg+xml' };

function property(title, type, view, more = {}) {
	return { title, description: `${title} of the event`, type, 'x-lksm-view': view, ...more };
}

/* As `lksm schema event` prints it. */
export function makeSchema() {
	return {
		$schema: 'https://json-schema.org/draft/2020-12/schema',
		title: 'LKSM event',
		type: 'object',
		properties: {
			seq: property('Seq', 'integer', 'table'),
			ts: property('Since boot', 'number', 'table'),
			type: property('Type', 'string', 'table'),
			data: property('Data', 'object', 'table'),
			severity: property('Severity', 'string', 'table',
				{ enum: ['info', 'medium', 'high', 'critical'] }),
			source: property('Source', 'string', 'table'),
			time: property('Time', 'string', 'table'),
			host: property('Host', 'string', 'detail'),
			boot_id: property('Boot', 'string', 'detail'),
			stream: property('Stream', 'string', 'detail'),
			stream_seq: property('Record', 'integer', 'detail'),
			level: property('Level', 'integer', 'detail'),
			facility: property('Facility', 'integer', 'detail'),
			rule: property('Rule', 'string', 'detail'),
			tags: property('Tags', 'array', 'detail'),
			attack: property('ATT&CK', 'array', 'detail'),
			message: property('Message', 'string', 'detail'),
			raw: property('Raw', 'string', 'detail'),
		},
	};
}

/* Like Python's json.dumps, as the log has it: a space after each comma and colon. */
export function encode(value) {
	if (Array.isArray(value))
		return `[${value.map(encode).join(', ')}]`;
	if (value !== null && typeof value === 'object')
		return `{${Object.entries(value).filter(([, inner]) => inner !== undefined).map(([key, inner]) =>
			`${JSON.stringify(key)}: ${key === 'ts' && typeof inner === 'number' ? inner.toFixed(6) : encode(inner)}`).join(', ')}}`;
	return JSON.stringify(value);
}

/* The shipped rules of that name, and their ids. */
const ATTACK = { kprobe_registered: [], module_loaded: ['T1547.006'], suspicious_probe: ['T1014'], photon_ring_generic: [] };

function nameEvent(text) {
	const kprobe = /^Kprobe registered for symbol: (\S+)$/.exec(text);
	const module = /^Module loaded: (\S+) by uid (\d+)$/.exec(text);
	const make = (type, severity, data) => ({ ts: 0, type, data, severity, source: 'kprobe_reader',
		rule: ATTACK[type] && type, attack: ATTACK[type]?.length ? ATTACK[type] : undefined, message: text });

	if (kprobe)
		return make('kprobe_registered', 'info', { symbol: kprobe[1] });
	if (module)
		return make('module_loaded', 'medium', { module: module[1], uid: Number(module[2]) });
	if (text.startsWith('type=')) {
		const { type, severity, ...data } = Object.fromEntries(text.split(' ').map((part) => part.split('=')));
		return make(type, severity, data);
	}
	return text.includes('SUSPICIOUS') ? make('suspicious_probe', 'high', { message: text }) :
		make('photon_ring_generic', 'info', { message: text });
}

export class MockServer {
	isReal = false;
	lines = [];		/* [seq, line] of the last RING events */
	history = [];		/* the lines of all; null: there is no history */
	problem = null;		/* { status, title, detail }: the history's answer to all */
	asked = [];		/* paths and queries that were put to it */
	status = { version: '0.0.0', writer: 'running', uptime_s: 60, sensor: 'armed', log_failures: 0,
		lost: { overrun: 0, before_start: 3 }, seals: 7 };
	mutes = [];		/* as /api/v1/mutes has them */
	hasMutes = true;	/* false: they change just now, it says */
	types = { module_loaded: { attack: ['T1547.006'], sentence: 'A kernel module was loaded' } };
	nextSeq = 0;
	token = null;		/* null: no authentication */
	hasStream = true;
	schema = makeSchema();
	#sessions = new Set();
	#streams = new Set();
	#server = null;
	#port = 0;
	#record = 1;

	get url() {
		return `http://127.0.0.1:${this.#port}/`;
	}

	get nStreams() {
		return this.#streams.size;
	}

	async start() {
		this.#server = createServer((request, response) => void this.#answer(request, response));
		await new Promise((resolve, reject) => {
			this.#server.once('error', reject);
			this.#server.listen(this.#port, '127.0.0.1', resolve);
		});
		this.#port = this.#server.address().port;
	}

	async stop() {
		const closed = new Promise((resolve) => this.#server.close(resolve));

		this.#server.closeAllConnections();
		this.#streams.clear();
		await closed;
	}

	requireToken(token) {
		this.token = token;
		this.#sessions.clear();
	}

	dropStreams() {
		for (const stream of this.#streams)
			stream.destroy();
		this.#streams.clear();
	}

	/* An event without seq gets the next one. */
	push(...events) {
		this.deliver(this.hold(...events));
	}

	/* The history has them, who follows has not: -> for deliver() */
	hold(...events) {
		return events.map((event) => {
			const seq = this.nextSeq++;
			const line = encode({ seq, ...event });

			this.history?.push(line);
			return [seq, line];
		});
	}

	/* To who follows, in one piece. */
	deliver(entries) {
		this.lines.push(...entries);
		for (const stream of this.#streams)
			stream.write(entries.map(([seq, line]) => `id: ${seq}\ndata: ${line}\n\n`).join(''));
		this.lines.splice(0, this.lines.length - RING);
	}

	/* As if somebody had run lksm mute: the daemon tells of it by an event. */
	mute(...mutes) {
		this.mutes = mutes;
		this.push({ type: 'mute_added', data: { id: 1 }, severity: 'medium', source: 'lksm', ...stamp(Date.now() * 1000, this.#record++) });
	}

	/* Kernel-log texts, named as the shipped rules name them. */
	async log(...texts) {
		for (const text of texts) {
			const record = this.#record++;

			this.push({ ...nameEvent(text.replace(/^\[PHOTON RING\] /, '')),
				...stamp((Date.now() - 1000) * 1000 + record, record) });
		}
	}

	async destroy() {
		await this.stop();
	}

	/* Events that the log has and no client was sent: an overrun, said to those connected. */
	overrun(count) {
		const first = this.nextSeq;

		this.nextSeq += count;
		for (const stream of this.#streams)
			stream.write(`event: gap\ndata: {"first": ${first}, "last": ${this.nextSeq - 1}, "count": ${count}}\n\n`);
	}

	/* Another log folder: everything from 0 again. */
	forget() {
		this.lines = [];
		this.history = [];
		this.nextSeq = 0;
	}

	#isSignedIn(request) {
		const session = /\blksm_session=([0-9a-f]+)/.exec(request.headers.cookie ?? '')?.[1];

		return this.token === null || this.#sessions.has(session) ||
			request.headers.authorization === `Bearer ${this.token}`;
	}

	async #answer(request, response) {
		const { pathname, searchParams } = new URL(request.url, this.url);

		response.setHeader('Content-Security-Policy', CSP);
		response.setHeader('X-Content-Type-Options', 'nosniff');
		response.setHeader('Cache-Control', 'no-store');
		if (pathname === '/api/v1/session')
			return this.#signIn(request, response);
		if (pathname.startsWith('/api/') && !this.#isSignedIn(request))
			return response.writeHead(401).end();
		if (pathname === '/api/events')
			return json(response, `[${this.lines.map(([, line]) => line).join(', ')}]`);
		if (pathname === '/api/v1/schema')
			return json(response, JSON.stringify(this.schema));
		if (pathname === '/healthz')
			return json(response, '{"status": "ok", "version": "0.0.0"}');
		if (pathname === '/api/v1/stream')
			return this.#stream(request, response, searchParams);
		if (pathname === '/api/v1/status')
			return json(response, JSON.stringify({ ...this.status, history: this.history !== null,
				newest_seq: this.nextSeq - 1, sealed_to: this.nextSeq - 1 }));
		if (pathname === '/api/v1/mutes')
			return !this.hasMutes ? response.writeHead(503).end() : json(response, JSON.stringify({ mutes: this.mutes, protected: ['sensor_gone'] }));
		if (pathname === '/api/v1/types')
			return json(response, JSON.stringify(this.types));
		if (pathname.startsWith('/api/v1/'))
			return this.#askHistory(pathname, searchParams, response);
		return this.#file(pathname, response);
	}

	#askHistory(pathname, searchParams, response) {
		this.asked.push(`${pathname.replace('/api/v1/', '')}?${decodeURIComponent(searchParams.toString().replace(/\+/g, ' '))}`);
		if (this.problem)
			return problem(response, this.problem);
		if (this.history === null)
			return problem(response, { status: 404, title: 'Not Found', detail: 'there is no history here (history.enabled)' });
		try {
			const text = answerHistory(this.history, pathname, searchParams);

			return text === null ? problem(response, { status: 404, title: 'Not Found', detail: 'nothing' }) :
				json(response, text);
		} catch (error) {
			if (!(error instanceof Unknown))
				throw error;
			return problem(response, { status: 400, title: 'This cannot be asked', detail: error.message });
		}
	}

	#signIn(request, response) {
		if (this.token !== null && request.headers.authorization !== `Bearer ${this.token}`)
			return response.writeHead(401).end();
		const session = randomBytes(16).toString('hex');
		this.#sessions.add(session);
		response.setHeader('Set-Cookie', `lksm_session=${session}; HttpOnly; SameSite=Strict; Path=/`);
		return response.writeHead(204).end();
	}

	#stream(request, response, searchParams) {
		if (!this.hasStream)
			return response.writeHead(503).end();
		const last = request.headers['last-event-id'] ?? searchParams.get('last_event_id');

		response.writeHead(200, { 'Content-Type': 'text/event-stream' });
		response.write('retry: 2000\n\n');
		if (last !== null)
			for (const [seq, line] of this.lines)
				if (seq > Number(last))
					response.write(`id: ${seq}\ndata: ${line}\n\n`);
		this.#streams.add(response);
		response.on('close', () => this.#streams.delete(response));
		return response;
	}

	async #file(pathname, response) {
		const name = pathname === '/' ? 'index.html' : path.basename(pathname);

		try {
			const body = await readFile(path.join(WEB, name));
			response.writeHead(200, { 'Content-Type': TYPES[path.extname(name)] ?? 'text/plain' }).end(body);
		} catch {
			response.writeHead(404).end();
		}
	}
}

function problem(response, { status, title, detail }) {
	response.writeHead(status, { 'Content-Type': 'application/problem+json' })
		.end(JSON.stringify({ type: 'about:blank', title, status, detail }));
}

function json(response, text) {
	response.writeHead(200, { 'Content-Type': 'application/json' }).end(text);
}
