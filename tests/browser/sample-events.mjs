// SPDX-License-Identifier: Apache-2.0
/*
 * Events as a sensor gives them on a busy afternoon, for screenshots and tests. Deterministic:
 * the same seed gives the same events; times end at `endMs`.
 */
const BOOT = '4b1c8f0e-6f2a-4d7e-9a35-2f1d0c9b7e11';
const SYMBOLS = ['vfs_read', 'tcp_v4_connect', 'do_sys_openat2', '__x64_sys_execve', 'security_file_open',
	'commit_creds', 'do_init_module', 'udp_sendmsg', 'filp_close', 'wake_up_new_task'];
const MODULES = ['nf_tables', 'veth', 'br_netfilter', 'overlay', 'wireguard', 'xfs', 'dm_crypt'];
const COMMS = ['bpftrace', 'perf', 'containerd', 'systemd-udevd', 'dockerd'];

/* A small linear congruential generator: enough to make a list look lived in. */
function makeRandom(seed) {
	let state = seed >>> 0;

	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return state / 2 ** 32;
	};
}

export function makeEvent(type, severity, source, data, more = {}) {
	return { type, data, severity, source, ...more };
}

const KINDS = [
	[46, (pick) => makeEvent('kprobe_registered', 'info', 'kprobe_reader',
		{ symbol: pick(SYMBOLS), module: 'kernel', pid: 1000 + pick([11, 431, 2204, 3790]), comm: pick(COMMS), uid: 0 },
		{ rule: 'kprobe_registered' })],
	[17, (pick) => makeEvent('module_loaded', 'medium', 'kprobe_reader', { module: pick(MODULES), uid: 0 },
		{ rule: 'module_loaded', attack: ['T1547.006'] })],
	[15, (pick) => makeEvent('photon_ring_generic', 'info', 'kprobe_reader',
		{ message: `Hook installed at ${pick(SYMBOLS)}+0x4` })],
	[8, (pick) => makeEvent('kernel_message', 'info', 'kernel_log', { message: pick([
		'audit: type=1400 audit(1795384801.312:88): apparmor="STATUS" operation="profile_load"',
		'TCP: request_sock_TCP: Possible SYN flooding on port 443. Sending cookies.',
		'device veth41a entered promiscuous mode']) })],
	[3, () => makeEvent('suspicious_probe', 'high', 'kprobe_reader',
		{ message: 'SUSPICIOUS *** kallsyms_lookup_name probe detected!' },
		{ rule: 'suspicious_probe', attack: ['T1014'], tags: ['rootkit', 'symbol-lookup'] })],
	[1, () => makeEvent('spoof_suspected', 'high', 'lksm',
		{ line: '[PHOTON RING] Module loaded: totally_fine by uid 0', reason: 'facility', facility: 1 },
		{ attack: ['T1036'] })],
	[1, () => makeEvent('records_lost', 'high', 'lksm',
		{ stream: 'kmsg', first: 48211, last: 48219, count: 9, reason: 'overrun' })],
];

const FINALE = [
	makeEvent('module_loaded', 'medium', 'kprobe_reader', { module: 'snd_hda_codec_x', uid: 1000 },
		{ rule: 'module_loaded', attack: ['T1547.006'] }),
	makeEvent('suspicious_probe', 'high', 'kprobe_reader',
		{ message: 'SUSPICIOUS *** kallsyms_lookup_name probe detected!' },
		{ rule: 'suspicious_probe', attack: ['T1014'], tags: ['rootkit', 'symbol-lookup'] }),
	makeEvent('kprobe_registered', 'info', 'kprobe_reader', { symbol: 'filldir64', module: 'snd_hda_codec_x',
		pid: 4127, comm: 'insmod', uid: 1000 }, { rule: 'kprobe_registered' }),
	makeEvent('sensor_gone', 'critical', 'kprobe_reader', { instance: '9f31c2', last_record: 48219,
		reason: 'unloaded' }, { attack: ['T1562.001'] }),
	makeEvent('spoof_suspected', 'high', 'lksm', { line: '[PHOTON RING] Kprobe registered for symbol: nothing_to_see',
		reason: 'facility', facility: 1 }, { attack: ['T1036'] }),
	makeEvent('records_lost', 'high', 'lksm', { stream: 'kmsg', first: 48230, last: 48241, count: 12, reason: 'overrun' }),
	makeEvent('module_loaded', 'medium', 'kprobe_reader', { module: 'photon_ring', uid: 0 },
		{ rule: 'module_loaded', attack: ['T1547.006'] }),
	makeEvent('kprobe_registered', 'info', 'kprobe_reader', { symbol: 'do_init_module', module: 'kernel', pid: 2204,
		comm: 'bpftrace', uid: 0 }, { rule: 'kprobe_registered' }),
	makeEvent('kernel_message', 'info', 'kernel_log', { message: 'device veth41a entered promiscuous mode' }),
];

function draw(random) {
	const pick = (list) => list[Math.floor(random() * list.length)];
	let left = random() * KINDS.reduce((sum, [weight]) => sum + weight, 0);

	return KINDS.find(([weight]) => (left -= weight) < 0)[1](pick);
}

/* Oldest first; the last ones tell a small story: a module comes, looks up symbols, the sensor goes. */
export function sampleEvents(count, endMs, seed = 7) {
	const random = makeRandom(seed);
	const events = [];

	for (let i = 0; i < count - FINALE.length; i++)
		events.push(draw(random));
	events.push(...FINALE);
	let timeUs = endMs * 1000;
	let record = 48241;
	for (let i = events.length - 1; i >= 0; i--) {
		Object.assign(events[i], stamp(timeUs, record--));
		timeUs -= Math.floor(300000 + random() ** 4 * 22e6);
	}
	return events.map(({ type, data, severity, source, ts, ...rest }) =>
		({ ts, type, data, severity, source, ...rest }));
}

export function stamp(timeUs, record) {
	const milliseconds = Math.floor(timeUs / 1000);

	return {
		ts: (timeUs % 1e12) / 1e6,
		time: new Date(milliseconds).toISOString().replace(/Z$/, `${String(timeUs % 1000).padStart(3, '0')}Z`),
		host: 'web-1',
		boot_id: BOOT,
		stream: 'kmsg',
		stream_seq: record,
		level: 6,
		facility: 0,
	};
}
