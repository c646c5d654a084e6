/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * object_lock.c - who holds a lock, in the memory of the one process that decides it. */
#include "bench/ipc/object.h"

int64_t object_lock_acquire(struct object_lock *lock, uint32_t slot)
{
    if (lock->held)
        return lock->slot == slot ? CALL_DEADLOCK : CALL_TIMEOUT;
    int64_t got = lock->orphaned ? LOCK_ORPHANED : 0;
    *lock = (struct object_lock){.held = true, .slot = slot};
    return got;
}

int64_t object_lock_release(struct object_lock *lock, uint32_t slot)
{
    if (!lock->held || lock->slot != slot)
        return CALL_NOT_OWNER;
    lock->held = false;
    return 0;
}

bool object_lock_abandon(struct object_lock *lock, uint32_t slot)
{
    if (!lock->held || lock->slot != slot)
        return false;
    *lock = (struct object_lock){.orphaned = true};
    return true;
}
