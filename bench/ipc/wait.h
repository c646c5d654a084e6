/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * wait.h - ways to wait for another process: a pause inside a spin loop, a futex to sleep on, and patience, which is to
 * look a few times more, letting others run in between, before sleeping.
 *
 * Words lie in shared memory, so the futexes are not private to a process. */
#ifndef MUSTER_BENCH_IPC_WAIT_H
#define MUSTER_BENCH_IPC_WAIT_H

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static inline void wait_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

/* Sleeps while *word is `value`, at most timeout_ns (negative: for ever). May return early: look at the word again. */
static inline void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ns)
{
    struct timespec t = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    syscall(SYS_futex, word, FUTEX_WAIT, value, timeout_ns < 0 ? NULL : &t, NULL, 0);
}

static inline void futex_wake(_Atomic uint32_t *word, int most)
{
    syscall(SYS_futex, word, FUTEX_WAKE, most, NULL, NULL, 0);
}

/* Sleeping costs the sleeper a context switch and the waker a wake-up, which is dear across cores; looking again costs
 * a system call. So whoever waits for a message looks again as long as that has lately paid, and hardly ever where it
 * has not: where many share a processing unit, or messages are far between. Zeroed at first; each belongs to one
 * process. */
struct patience {
    unsigned most;   /* looks before sleeping, from experience */
    unsigned looked; /* in this wait */
    unsigned sleeps; /* since looking last paid */
};

#define PATIENCE_MOST  32
#define PATIENCE_FIRST 8
#define PATIENCE_RETRY 64 /* sleeps after which looking is tried again */

/* Whether to look once more; others have then had their turn. False: sleep. */
static inline bool patience_again(struct patience *p)
{
    unsigned most = p->sleeps % PATIENCE_RETRY == 0 && p->most < PATIENCE_FIRST ? PATIENCE_FIRST : p->most;
    if (p->looked < most) {
        p->looked++;
        sched_yield();
        return true;
    }
    p->most /= 2;
    p->sleeps++;
    p->looked = 0;
    return false;
}

/* What was waited for is here. */
static inline void patience_over(struct patience *p)
{
    if (p->looked > 0) {
        p->most = p->most + 4 < PATIENCE_MOST ? p->most + 4 : PATIENCE_MOST;
        p->sleeps = 0;
    }
    p->looked = 0;
}

#endif
