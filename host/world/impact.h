/* impact.h: how much a contact of two bodies may give back without energy coming from nowhere. */
#ifndef PV_WORLD_IMPACT_H
#define PV_WORLD_IMPACT_H

#include <chipmunk/chipmunk.h>

/* The largest restitution, at most `own`, with which the contact leaves the two no more kinetic energy than they have.
 * Its friction must be set. */
double pv_impact_restitution(const cpArbiter *arbiter, double own);

#endif
