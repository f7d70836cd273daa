#include "renamed.h"

#include "../../Sources/CSystem/CSamples/batch.c"
