// SPDX-License-Identifier: Apache-2.0
/* Every test in one process, so that all share one browser and one TAP plan. */
import './unit.test.mjs';
import './live.test.mjs';
import './use.test.mjs';
import './past.test.mjs';
import './muted.test.mjs';
import './safety.test.mjs';
