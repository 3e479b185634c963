/* The dense layers of a group of members. */
#ifndef FASTNN_POPULATION_LAYERS_H
#define FASTNN_POPULATION_LAYERS_H

#include "population/group.h"

void FN(population_forward)(const group *g);
/* Changes the weights by the gradient of the outputs, which the last stage has. */
void FN(population_backward)(group *g);

#endif
