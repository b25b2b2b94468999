/* SPDX-License-Identifier: Apache-2.0 */
/* The description of /api/v1 for programs (OpenAPI 3.1), made of the tables that serve it. */
#ifndef OUTPUT_DASHBOARD_OPENAPI_H
#define OUTPUT_DASHBOARD_OPENAPI_H

#include "base/buffer.h"

/** openapi_append() - GET /api/v1/openapi.json */
void openapi_append(struct buffer *out);

#endif
