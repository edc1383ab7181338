"""The screens of consent: imports, sign-up forms, people's requests, and the public pages to say yes and no on."""
