/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * verdict_words.c - verdicts and doubts by name, as tables, files and the last line spell them. */
#include "reports/verdict.h"

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_INCONCLUSIVE] = "inconclusive", [VERDICT_SLOWER] = "slower",   [VERDICT_FASTER] = "faster",
        [VERDICT_EQUIVALENT] = "equivalent",     [VERDICT_MISSING] = "missing", [VERDICT_FAILED] = "failed",
    };
    return names[verdict];
}

const char *doubt_name(enum doubt doubt)
{
    static const char *const names[] = {
        [DOUBT_NONE] = "",
        [DOUBT_FEW] = "too few blocks",
        [DOUBT_WIDE] = "the interval holds too much",
        [DOUBT_MOVED] = "what surrounds the code changed by as much as would decide it",
        [DOUBT_ORDER] = "which side came first matters more than the margin",
        [DOUBT_TIES] = "a fifth of the blocks are exactly alike: the clock is too coarse",
        [DOUBT_NOISE] = "the noise here is too much for a verdict",
        [DOUBT_SENSITIVE] = "with the spoiled blocks the verdict would be another",
        [DOUBT_UNCONFIRMED] = "slower at first, which no second measurement confirmed",
    };
    return names[doubt];
}

const char *doubt_key(enum doubt doubt)
{
    static const char *const keys[] = {
        [DOUBT_NONE] = "none",
        [DOUBT_FEW] = "few",
        [DOUBT_WIDE] = "wide",
        [DOUBT_MOVED] = "moved",
        [DOUBT_ORDER] = "order",
        [DOUBT_TIES] = "ties",
        [DOUBT_NOISE] = "noise",
        [DOUBT_SENSITIVE] = "sensitive",
        [DOUBT_UNCONFIRMED] = "unconfirmed",
    };
    return keys[doubt];
}

const char *overall_name(enum overall overall)
{
    static const char *const names[] = {
        [OVERALL_PASS] = "pass",
        [OVERALL_INCONCLUSIVE] = "inconclusive",
        [OVERALL_INCOMPARABLE] = "incomparable",
        [OVERALL_REGRESSION] = "regression",
        [OVERALL_UNPROVED] = "unproved",
        [OVERALL_INTERRUPTED] = "interrupted",
    };
    return names[overall];
}
