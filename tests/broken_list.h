/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * broken_list.h - the strategies of broken.c, for the registry of tests/muster-broken: one line each. */
#ifndef MUSTER_TESTS_BROKEN_LIST_H
#define MUSTER_TESTS_BROKEN_LIST_H

#define EXTRA_STRATEGIES(LINE)                                                                                         \
    LINE(broken_loses)                                                                                                 \
    LINE(broken_starts)                                                                                                \
    LINE(broken_doubles)                                                                                               \
    LINE(broken_tears)                                                                                                 \
    LINE(broken_opens)                                                                                                 \
    LINE(broken_swaps)                                                                                                 \
    LINE(broken_skips)                                                                                                 \
    LINE(broken_hangs)                                                                                                 \
    LINE(broken_dies)                                                                                                  \
    LINE(broken_forgets)                                                                                               \
    LINE(broken_leaves)

#endif
