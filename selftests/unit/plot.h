/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A picture of what the simulator did: lines over time, as SVG.
 */
#ifndef PLOT_H
#define PLOT_H

void plot_point(double seconds, double balloon, double target, double anon,
		double cache, double available);
int plot_save(const char *name);

#endif /* PLOT_H */
