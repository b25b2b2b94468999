/* SPDX-License-Identifier: Apache-2.0 */
/* Compressing a closed day's log, so that a kill at any moment leaves one whole copy of
 * it. */
#ifndef PRIVSEP_COMPRESS_H
#define PRIVSEP_COMPRESS_H

/**
 * compress_log() - NAME.jsonl becomes NAME.jsonl.zst
 * @dir: the folder
 * @name: of the plain log
 *
 * Under a temporary name first, synced, and read back; only then renamed and the plain
 * one removed. If the compressed one is there already and says the same, an earlier try
 * was cut short and only the last step is done.
 *
 * Return: 0; -EEXIST if a compressed log with other content is there; -EBADMSG if what
 * was written does not read back; -errno.
 */
int compress_log(int dir, const char *name);

#endif
