/* What a step of a group of members reads. */
#ifndef FASTNN_POPULATION_INPUTS_H
#define FASTNN_POPULATION_INPUTS_H

#include "population/group.h"

/* Brings the samples of a step to their places. */
void FN(population_gather)(const group *g, ptrdiff_t step);
/* Computes which outputs of a stage step t keeps. */
void FN(population_mask)(const group *g, const stage *s, int64_t t);

#endif
