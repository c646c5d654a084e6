/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ipc_channel.h - the tests of framed channels, for test_ipc.c. */
#ifndef MUSTER_TESTS_IPC_CHANNEL_H
#define MUSTER_TESTS_IPC_CHANNEL_H

void channel_sizes(void);    /* every size arrives whole, in order and aligned, on ends that do not block */
void channel_dribble(void);  /* also when the bytes come in pieces of any size */
void channel_blocking(void); /* also between two processes on ends that block */
void channel_rooms(void);    /* when there is room for a frame */
void channel_nested(void);   /* a handler may receive */
void channel_malformed(void);
void channel_ends(void);           /* a closed end, either way */
void channel_sends_in_turns(void); /* however much the other end takes */

#endif
