/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * calibration_report.h - a calibration for people: false alarms, power, control, and a row per cell. */
#ifndef MUSTER_REPORTS_CALIBRATION_REPORT_H
#define MUSTER_REPORTS_CALIBRATION_REPORT_H

#include "reports/calibration.h"
#include "reports/style.h"

#include <stdio.h>

/* `kept`: the file that it is kept in, NULL where it is not. 80 columns, or as wide as the style allows. 0, or -1 with
 * errno set. */
int calibration_print(FILE *, const struct calibration *, const char *kept, const struct report_style *);

#endif
