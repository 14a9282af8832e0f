/* SPDX-License-Identifier: Apache-2.0
 *
 * mysql.time_zone_leap_second: always empty, no zone counts them.
 */
#include "views/views_int.h"

#define COLUMNS(C)                                                                                 \
    C(Transition_time, 'i', 0, NN)                                                                 \
    C(Correction, 'n', 0, NN)
QLI_COLUMNS(time_zone_leap_second, COLUMNS);
