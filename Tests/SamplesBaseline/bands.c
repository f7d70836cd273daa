#include "renamed.h"

#include "../../Sources/CSystem/CSamples/bands.c"
