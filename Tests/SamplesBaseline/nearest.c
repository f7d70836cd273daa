#include "renamed.h"

#include "../../Sources/CSystem/CSamples/nearest.c"
