/* The losses of a group of members. */
#ifndef FASTNN_POPULATION_SCORES_H
#define FASTNN_POPULATION_SCORES_H

#include "population/group.h"

/* Adds up the loss of each lane and its right answers; in training, writes the gradient of the outputs. */
void FN(population_loss)(const group *g, ptrdiff_t step, vsum *loss, vint *correct);

#endif
