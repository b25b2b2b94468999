/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the history. A thread of its own asks the database, one after the other, so
 * that the HTTP thread serves everybody meanwhile: the connection that asked is suspended, as
 * a stream's is, and taken up again when the answer is there. One thread, because SQLite on
 * one disk gets no faster by more, and each question has a limit of time (reader.h).
 */
#ifndef OUTPUT_DASHBOARD_QUERIES_H
#define OUTPUT_DASHBOARD_QUERIES_H

#include "base/clock.h"
#include "base/systemd.h"
#include "output/dashboard/clients.h"
#include "output/dashboard/mhd.h"
#include "output/history/query.h"

/** QUERIES_MAX - that wait; who comes then is told to come again */
#define QUERIES_MAX 64

/** QUERIES_CLIENT_MAX - of these, of one client */
#define QUERIES_CLIENT_MAX 2

/** QUERIES_PAGE_US - the time that a client has to take a page of an export */
#define QUERIES_PAGE_US (120 * USEC_PER_SEC)

struct queries;
struct query_job;

/**
 * queries_create() - start the thread
 * @turn: the server's timer: runs libmicrohttpd when it is due
 * @clients: the server's, whose deadline an export puts off
 *
 * Return: 0 or -errno.
 */
int queries_create(sd_event *loop, sd_event_source *turn, struct clients *clients,
		   struct queries **ret);

/** queries_stop() - end the thread and let all who wait be answered, in the next turns */
void queries_stop(struct queries *q);
void queries_destroy(struct queries *q);

/**
 * queries_ask() - the request's parameters are the question; if there is nothing wrong with
 * them, the connection is suspended
 * @seq: QUERY_EVENT's
 * @ret_job: set then: when the connection is taken up, queries_answer() is due
 */
enum MHD_Result queries_ask(struct queries *q, struct MHD_Connection *connection,
			    enum query_operation operation, uint64_t seq,
			    struct query_job **ret_job);

/** queries_answer() - queue the answer; @job may not be used any more if it is NULL then */
enum MHD_Result queries_answer(struct query_job **job);

/** queries_forget() - the client is gone, or has its answer */
void queries_forget(struct query_job *job);

#endif
