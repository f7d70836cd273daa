/// A self-signed certificate for localhost and 127.0.0.1, made for these tests alone and valid for a hundred years.
enum TestCertificate {
  static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBmjCCAUGgAwIBAgIUPLAHPO7L3ARlriO0kPhZeMJp2sQwCgYIKoZIzj0EAwIw
    FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjIwMTA0NVoYDzIxMjYxMDI5
    MjAxMDQ1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAAT5pesT0VIa1gpsyOt6m0lF+gCexue78j98sDXbMgDIj/qRAF6mHXUW
    pA7PXDuUr8gGGTERxuxQl8+AnUJJV4v7o28wbTAdBgNVHQ4EFgQUKMBn7J2OO9Ks
    fX+GKiCPOySy8VowHwYDVR0jBBgwFoAUKMBn7J2OO9KsfX+GKiCPOySy8VowDwYD
    VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
    zj0EAwIDRwAwRAIgNDFhkxGWXeDOfbpBUnmwgRCiAOz95rgDiSi4ZhAAZZgCIDIO
    vjXd/9+R74rjFH4+PaqlZWOLIkYTJBGrmfmUcqUq
    -----END CERTIFICATE-----
    """

  static let key = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAX0UDzdp0l32FUCo
    4AL5/U9VwfBCWfC++kcvO/65iu2hRANCAAT5pesT0VIa1gpsyOt6m0lF+gCexue7
    8j98sDXbMgDIj/qRAF6mHXUWpA7PXDuUr8gGGTERxuxQl8+AnUJJV4v7
    -----END PRIVATE KEY-----
    """
}
