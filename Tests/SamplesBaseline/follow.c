#include "renamed.h"

#include "../../Sources/CSystem/CSamples/follow.c"
