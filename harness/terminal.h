/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * terminal.h - what is known of the place where output goes: how wide it is, and whether it shows colours. */
#ifndef MUSTER_HARNESS_TERMINAL_H
#define MUSTER_HARNESS_TERMINAL_H

#include "reports/style.h"

#include <stdbool.h>

/* Of the terminal behind `descriptor`, else what COLUMNS says, else 80; 40 to 240. */
unsigned terminal_columns(int descriptor);

/* Whether it is a terminal that takes colours, and NO_COLOR does not forbid them. */
bool terminal_colour(int descriptor);

/* How a report on stdout is drawn; `folder` as in style.h. */
struct report_style terminal_style(bool long_form, const char *folder);

#endif
