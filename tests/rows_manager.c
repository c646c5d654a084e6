/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * rows_manager.c - a manager by address, its keys, and its clients' misdeeds. */
#include "tests/rows.h"

const struct row rows_manager[] = {
    {.name = "*36 a manager by address and key"},
    {.name = "*39 authentication fails on either side"},
    {.name = "CX8 a client dies after half a header or half a body"},
    {.name = "CX9 the server killed"},
    {.name = "CX21 bad keys, silent clients, nonsense"},
    {.name = "CX22 the server at its limit of descriptors"},
    {.name = NULL},
};
