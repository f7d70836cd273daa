// The library has all there is.
