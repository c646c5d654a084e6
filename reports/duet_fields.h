/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * duet_fields.h - the table of duet.json.
 *
 * Private to reports/. */
#ifndef MUSTER_REPORTS_DUET_FIELDS_H
#define MUSTER_REPORTS_DUET_FIELDS_H

#include "reports/fields.h"

extern const struct document duet_document;

#endif
