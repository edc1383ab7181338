"""The screens of consent: contacts and proofs, company, wordings, sign-up forms, imports; and the public pages."""
