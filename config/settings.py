"""One settings module for every environment: values come from the environment or `.env`, required ones fail loudly."""

import sys
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import databases, logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

# Commands that need no secret and no server, so that a fresh clone or an image can build its assets and catalogues.
WITHOUT_SECRETS = {"assets", "compile_messages", "make_messages", "collectstatic", "emulator"}
IS_BARE_COMMAND = len(sys.argv) > 1 and sys.argv[1] in WITHOUT_SECRETS
IS_TEST = "pytest" in sys.modules


def required(name: str, remedy: str) -> str:
    """The value of a required variable; ImproperlyConfigured with one clear sentence when it is missing."""
    value: str = env.str(name, default="")
    if value:
        return value
    if IS_BARE_COMMAND:
        return "not-needed-by-this-command"
    raise ImproperlyConfigured(f"{name} is not set: {remedy}")


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = required("SECRET_KEY", "put a random string of 50 characters into .env, or start with `make run`.")
# "id:base64 of 32 bytes", comma-separated, newest first; older keys still decrypt.
FIELD_ENCRYPTION_KEYS = (
    []
    if IS_BARE_COMMAND
    else required(
        "FIELD_ENCRYPTION_KEYS", "put `k1:<base64 of 32 random bytes>` into .env, or start with `make run`."
    ).split(",")
)
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL.startswith("https://") else []

INSTALLED_APPS = [
    "config",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    # Both wrap the loaders by themselves, the later one throwing the earlier one out: TEMPLATES names them instead.
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "django_htmx",
    "csp",
    "tenants",
    "contacts",
    "consent",
    "whatsapp",
    "messaging",
    "segments",
    "campaigns",
    "inbox",
    "analytics",
]

MIDDLEWARE = [
    "tenants.middleware.RequestIdMiddleware",
    "config.probes.ProbeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    # Last, because it opens the transaction and the row-level-security context around the view.
    "tenants.middleware.TenantMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True

LOADERS = [
    "django_cotton.cotton_loader.Loader",
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [("template_partials.loader.Loader", [("django.template.loaders.cached.Loader", LOADERS)])],
            "builtins": ["django_cotton.templatetags.cotton", "template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "csp.context_processors.nonce",
            ],
        },
    },
]
COTTON_DIR = "cotton"

DATABASES: dict[str, dict[str, Any]] = {"default": {"ENGINE": "django.db.backends.dummy"}}
DATABASE_ROUTERS = ["tenants.replica.Router"]
DATABASE_VARIABLES = {"default": "DATABASE_URL", "reports": "REPORTS_DATABASE_URL"}
DATABASE_REMEDY = "point it at PostgreSQL 15 or newer (postgres://user:password@host/name), or start with `make run`."
if not IS_BARE_COMMAND:
    DATABASES["default"] = databases.entry(required("DATABASE_URL", DATABASE_REMEDY), databases.LIMITS)
    if not IS_TEST and (_reports := env.str("REPORTS_DATABASE_URL", default="")):
        DATABASES["reports"] = databases.entry(_reports, databases.REPLICA_LIMITS)
    for _name, _database in DATABASES.items():
        if _database["ENGINE"] != "django.db.backends.postgresql":
            raise ImproperlyConfigured(f"{DATABASE_VARIABLES[_name]} must name PostgreSQL (postgres://…), nothing else")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = required(
    "REDIS_URL", "point it at Redis or Valkey (redis://:password@host:6379/0), or start with `make run`."
)
CACHES = {
    "default": {
        "BACKEND": "config.cache.RedisOrMemory",
        "LOCATION": env.str("CACHE_URL", default="") or REDIS_URL,
        "KEY_PREFIX": "zusage",
        # A request waits for it.
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}

CELERY_BROKER_URL = env.str("BROKER_URL", default="") or REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
# A sender that the broker lost sight of must not be ended in the middle of its requests; beat rings for the next one.
CELERY_TASK_ANNOTATIONS = {"messaging.tasks.send": {"acks_late": False}}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_connect_timeout": 2,
    # Without it whoever rings waits for ever on a broker that takes connections and says nothing.
    "socket_timeout": 10,
    # A worker asks every second; without it one whose Redis vanished is deaf for up to 51 s instead of 21.
    "health_check_interval": 10,
    # Whoever rings tries once, because beat finds the work; workers and beat themselves go on (config.celery).
    "max_retries": 0,
}
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_DB_REUSE_MAX = sys.maxsize  # Celery's way to a new connection for each task; config.celery has Django's.
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "messaging.tasks.*": {"queue": "sending"},
    "inbox.tasks.*": {"queue": "receiving"},
    "consent.tasks.*": {"queue": "default"},
    "campaigns.tasks.*": {"queue": "default"},
    "whatsapp.tasks.*": {"queue": "default"},
    "analytics.tasks.*": {"queue": "default"},
    "tenants.tasks.*": {"queue": "default"},
}
CELERY_BEAT_SCHEDULER = "config.beat:SteadyScheduler"
# A clock that is set back between two looks at it makes an entry seem an hour away; by itself beat sleeps for up to
# five minutes then.
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "wake senders of due messages": {"task": "messaging.tasks.wake", "schedule": 1.0},
    "settle and sweep what was left behind": {"task": "messaging.tasks.sweep", "schedule": 5.0},
    "receive what no doorbell announced": {"task": "inbox.tasks.receive", "schedule": 1.0},
    "launch campaigns that are due": {"task": "campaigns.tasks.launch_due", "schedule": 5.0},
    "look again at campaigns that start soon": {"task": "campaigns.tasks.look_ahead", "schedule": 60.0},
    "finish campaigns that have nothing left": {"task": "campaigns.tasks.finish_done", "schedule": 2.0},
    "go on with imports that lost their worker": {"task": "consent.tasks.resume_imports", "schedule": 10.0},
    "go on with handovers that lost their worker": {"task": "consent.tasks.resume_handovers", "schedule": 60.0},
    "go on with requests that lost their worker": {"task": "consent.tasks.resume_requests", "schedule": 30.0},
    # At night, after the recount: both read much.
    "let go of what was kept long enough": {
        "task": "consent.tasks.keep_to_periods",
        "schedule": crontab(hour="3", minute="0"),
    },
    "count who was not told": {"task": "consent.tasks.watch_programs", "schedule": crontab(hour="3", minute="30")},
    "go on with invalidations that lost their worker": {"task": "consent.tasks.resume_invalidations", "schedule": 10.0},
    "tell companies what the operator owes them": {"task": "consent.tasks.tell_companies", "schedule": 60.0},
    "ask addresses from sign-up pages by mail": {"task": "consent.tasks.ask_addresses", "schedule": 60.0},
    "delete raw webhooks after their 30 days": {"task": "inbox.tasks.forget", "schedule": 3600.0},
    "delete imported files after their 30 days": {"task": "consent.tasks.forget_imports", "schedule": 3600.0},
    "delete answers to repeated requests after their day": {"task": "tenants.tasks.forget_answers", "schedule": 3600.0},
    "mark the time for replicas": {"task": "tenants.tasks.mark", "schedule": 30.0},
    # Just after midnight, for the day that is over.
    "sign the heads of ledgers": {"task": "consent.tasks.anchor_ledgers", "schedule": crontab(hour="0", minute="5")},
    "keep and mail signed heads of ledgers": {"task": "consent.tasks.deposit_heads", "schedule": 60.0},
    "verify ledgers that were not since last night": {"task": "consent.tasks.check_ledgers", "schedule": 60.0},
    "bring files to Meta that were left behind": {"task": "whatsapp.tasks.upload_left_behind", "schedule": 60.0},
    "renew files before Meta forgets them": {"task": "campaigns.tasks.renew_files", "schedule": 3600.0},
    "submit templates that no worker has taken": {"task": "whatsapp.tasks.submit_due", "schedule": 10.0},
    "sum up for the operator": {"task": "analytics.tasks.remember_totals", "schedule": 30.0},
    # At night, because it reads every message.
    "compare KPIs with a recount": {"task": "analytics.tasks.check_kpis", "schedule": crontab(hour="1", minute="30")},
    "compare templates with Meta": {"task": "whatsapp.tasks.sync_all_templates", "schedule": 3600.0},
}
# Whether anybody takes from a queue is found out by asking.
for _queue in ("sending", "receiving", "default"):
    CELERY_BEAT_SCHEDULE[f"hear whether {_queue} is served"] = {
        "task": "tenants.tasks.hear",
        "schedule": 10.0,
        "kwargs": {"queue": _queue},
        "options": {"queue": _queue},
    }

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_ADAPTER = "tenants.accounts.InvitedOnly"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"

REST_FRAMEWORK = {
    # Everything that matters stands on tenants.rest.TenantView; a view outside it is closed.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tenants.problems.problem",
    "UNAUTHENTICATED_USER": None,
}
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=600)
SPECTACULAR_SETTINGS = {
    "TITLE": "Zusage API",
    "DESCRIPTION": "WhatsApp marketing with lawful, provable consent.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "CampaignPurpose": "campaigns.models.Campaign.PURPOSES",
        "CampaignState": "campaigns.models.Campaign.State",
        "DataRequestKind": "consent.models.DataRequest.Kind",
        "DataRequestState": "consent.models.DataRequest.State",
        "ImportState": "contacts.models.Import.State",
        "MediaState": "whatsapp.models.Media.State",
        "MessageState": "analytics.api.serializers.STATES",
        "Purpose": "consent.api.shapes.PURPOSES",
    },
}

WHATSAPP_API_URL = env.str("WHATSAPP_API_URL", default="https://graph.facebook.com").rstrip("/")
WHATSAPP_API_VERSION = env.str("WHATSAPP_API_VERSION", default="v25.0")
WHATSAPP_APP_SECRET = env.str("WHATSAPP_APP_SECRET", default="")
WHATSAPP_VERIFY_TOKEN = env.str("WHATSAPP_VERIFY_TOKEN", default="")
# Proves with each call that the token is used by the app it was made for. None: to Meta, and to no stub, which may
# compare addresses with their query.
WHATSAPP_APPSECRET_PROOF: bool | None = env.bool("WHATSAPP_APPSECRET_PROOF", default=None)
WHATSAPP_TIMEOUT_S = env.float("WHATSAPP_TIMEOUT_S", default=30.0)
# A claim without an answer is called uncertain after this; longer than any answer may take.
MESSAGING_CLAIM_GRACE_S = env.float("MESSAGING_CLAIM_GRACE_S", default=WHATSAPP_TIMEOUT_S + 30)
# How long a status webhook has to settle an uncertain attempt, before it is repeated or given up.
MESSAGING_SETTLE_S = env.float("MESSAGING_SETTLE_S", default=900.0)

LANGUAGE_CODE = "de"
LANGUAGES = [("de", _("German")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / ".local" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Collecting and compressing takes a minute and belongs to the image; without it files come from their sources.
IS_COLLECTED = "collectstatic" in sys.argv or (STATIC_ROOT / "staticfiles.json").exists()
WHITENOISE_USE_FINDERS = not IS_COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG or IS_TEST or not IS_COLLECTED
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
MEDIA_ROOT = env.str("MEDIA_ROOT", default=str(BASE_DIR / ".local" / "media"))

# Who holds what about people, from the top of the house down (docs/decisions/0011).
PERSONAL_DATA = [
    "analytics.personal",
    "inbox.personal",
    "campaigns.personal",
    "segments.personal",
    "messaging.personal",
    "consent.personal",
    "contacts.personal",
]
# Outside the database and its backups, so that a restored backup can be told who was erased since.
ERASURE_LOG_DIR = env.str("ERASURE_LOG_DIR", default=str(BASE_DIR / ".local" / "erasures"))

IS_HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_NAME = "__Host-sessionid" if IS_HTTPS else "sessionid"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_HSTS_SECONDS = 31536000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # Each proxy adds whom it was asked by to X-Forwarded-For; what stands further left, anybody can write.
    ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=1)
else:
    ALLAUTH_TRUSTED_PROXY_COUNT = 0
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", "csp-nonce"],
        # ECharts and htmx set style attributes; no style sheet from elsewhere can load.
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}
FILE_UPLOAD_HANDLERS = [
    "contacts.importing.uploading.BoundedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 6000

# Where the signed heads of the consent ledgers are kept beside the database, best on another machine's disk.
LEDGER_ANCHOR_DIR = env.str("LEDGER_ANCHOR_DIR", default="")
# Who runs this installation: the processor in the contract of Art. 28 GDPR.
OPERATOR_NAME = env.str("OPERATOR_NAME", default="Zusage")
OPERATOR_ADDRESS, OPERATOR_OFFICER = env.str("OPERATOR_ADDRESS", default=""), env.str("OPERATOR_OFFICER", default="")
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 30  # Or whoever writes waits for ever on a mail server that takes connections and says nothing.
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Zusage <noreply@example.com>")

# Without it /metrics answers callers of our own network only, and nobody through a proxy.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
SENTRY_DSN = env.str("SENTRY_DSN", default="")
OTEL_EXPORTER_OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
LOG_FORMAT = env.str("LOG_FORMAT", default="text")
if LOG_FORMAT not in ("json", "text"):
    raise ImproperlyConfigured("LOG_FORMAT must be json or text.")
LOGGING = logs.configuration(kind=LOG_FORMAT, level=env.str("LOG_LEVEL", default="INFO").upper())
SILENCED_SYSTEM_CHECKS: list[str] = []
