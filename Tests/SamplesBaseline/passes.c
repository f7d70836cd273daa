#include "renamed.h"

#include "../../Sources/CSystem/CSamples/passes.c"
