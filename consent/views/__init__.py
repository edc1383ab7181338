"""The screens of consent: company, wordings, sign-up forms, imports, requests; and the public pages."""
