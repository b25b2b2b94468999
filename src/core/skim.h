/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passing over what cannot become an event. When only the sensor's lines are wanted, nine
 * in ten lines of a saved log, or more, are neither its own nor anybody's who pretends to be
 * it. They are recognised a vector at a time by what they are not, without being parsed.
 *
 * What is passed over is exactly what the parsers (dmesg.h, kmsg.h) and naming.h would have
 * made nothing of, and leaves no trace in them: tests/unit/test-skim.c holds the two ways
 * against each other.
 */
#ifndef CORE_SKIM_H
#define CORE_SKIM_H

#include "core/dmesg.h"

/** SKIM_SLACK - so many bytes behind the text have to be readable, whatever they are */
#define SKIM_SLACK 128

/** What the lines of a dmesg text look like: "[" stands at @bracket, "." at @dot; zeroed before. */
struct skim_shape {
	size_t bracket, dot;
};

/** One way to do it; see skim_ways(). */
struct skim {
	const char *name;
	const char *(*dmesg)(const struct skim_shape *shape, const char *begin,
			     const char *end);
	const char *(*kmsg)(const char *begin, const char *end);
};

/** skim_ways() - those that this processor has, the plain one first, the best one last */
const struct skim *const *skim_ways(size_t *ret_n);

/**
 * skim_dmesg() - the front of @s that nobody needs
 * @shape: kept by the caller from one call to the next
 * @p: is told what was found out about the record that is next
 * @s: begins where the next record, or line, does; SKIM_SLACK bytes more can be read
 *
 * Passed over are lines with the prefix of the first one: "kern  :info  : [    5.140900] ",
 * or without the names, of any width. Lines with the tag, and those without that prefix, are
 * not; nor is the last line, or the record before one that is to be looked at. A backslash hides
 * no tag: dmesg_unescape() makes nothing of it that the tag has.
 *
 * Return: how many bytes; what is left begins with such a record, or is @s as it was.
 */
size_t skim_dmesg(struct skim_shape *shape, struct dmesg_parser *p, struct span s);
size_t skim_dmesg_by(const struct skim *way, struct skim_shape *shape,
		     struct dmesg_parser *p, struct span s);

/**
 * skim_kmsg() - the same for raw records: "6,7,5140900,-;text"; lines of dictionaries
 * (" KEY=value") go with their record. All that is passed over is well-formed, and without an
 * escape that might hide the tag.
 */
size_t skim_kmsg(struct span s);
size_t skim_kmsg_by(const struct skim *way, struct span s);

#endif
