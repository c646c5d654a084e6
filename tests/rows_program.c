/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_program.c - what the program itself promises when it is killed or interrupted, and where it puts processes. */
#include "tests/rows.h"

const struct row rows_program[] = {
    {.name = "CX10 the main process killed"},
    {.name = "CX11 the whole session killed"},
    {.name = "CX29 interrupted in mid-map"},
    {.name = "CX30 pinning, planned and actual"},
    {.name = NULL},
};
