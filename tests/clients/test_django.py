# SPDX-License-Identifier: Apache-2.0
"""Django on its MySQL backend: its own applications' migrations (auth, admin, contenttypes, sessions), an application of ours whose migrations use each
operation there is, forwards and back to nothing, rows through the ORM, inspectdb. After each step the tables are what the migrations' state says."""
import contextlib
import datetime
import decimal
import io
import pathlib
import shutil
import sys
import tempfile
import textwrap
import uuid

import quell
from harness import main

try:
    import MySQLdb  # noqa: F401  Django's driver
    import django
except ImportError as e:
    print(f"skip test_django: {e}")
    sys.exit(0)

server = quell.Server().start()
FILES = pathlib.Path(tempfile.mkdtemp(prefix="quell-django-"))

MIGRATIONS = {
    "0001_initial": """
        migrations.CreateModel("Author", [
            ("id", models.BigAutoField(primary_key=True)),
            ("name", models.CharField(max_length=50)),
            ("mail", models.EmailField(unique=True)),
            ("born", models.DateField(null=True)),
            ("paid", models.DecimalField(max_digits=9, decimal_places=2, default=0)),
            ("rating", models.FloatField(null=True)),
            ("active", models.BooleanField(default=True)),
            ("about", models.TextField(blank=True)),
            ("photo", models.BinaryField(null=True)),
            ("key", models.UUIDField(default=uuid.uuid4)),
            ("address", models.GenericIPAddressField(null=True)),
            ("took", models.DurationField(null=True)),
            ("wakes", models.TimeField(null=True)),
            ("made", models.DateTimeField(auto_now_add=True)),
            ("pages", models.PositiveIntegerField(default=0)),
            ("small", models.SmallIntegerField(default=-1)),
            ("big", models.PositiveBigIntegerField(default=2 ** 64 - 1)),
            ("slug", models.SlugField(null=True)),
            ("file", models.FileField(null=True)),
        ], options={"ordering": ["name"]}),
        migrations.CreateModel("Word", [("word", models.CharField(max_length=30, primary_key=True)), ("n", models.IntegerField(db_index=True))], options={"db_table": "shop words"}),
        """,
    "0002_columns": """
        migrations.AddField("Author", "town", models.CharField(max_length=40, null=True)),
        migrations.AddField("Author", "level", models.IntegerField(default=7)),
        migrations.AddField("Author", "remarks", models.TextField(default="none")),
        migrations.AddField("Author", "number", models.IntegerField(null=True, unique=True)),
        migrations.AddField("Author", "seen", models.DateTimeField(null=True, db_index=True)),
        """,
    "0003_data": """
        migrations.RunPython(fill, unfill),
        migrations.RunSQL("UPDATE shop_author SET number = id * 10", "UPDATE shop_author SET number = NULL"),
        """,
    "0004_altered": """
        migrations.AlterField("Author", "town", models.CharField(max_length=40, default="nowhere")),
        migrations.AlterField("Author", "name", models.CharField(max_length=200, db_index=True)),
        migrations.AlterField("Author", "level", models.BigIntegerField(default=8)),
        migrations.AlterField("Author", "remarks", models.CharField(max_length=100, default="none")),
        migrations.AlterField("Author", "number", models.IntegerField(null=True)),
        migrations.AlterField("Author", "seen", models.DateTimeField(null=True)),
        migrations.AlterField("Author", "slug", models.SlugField(null=True, unique=True)),
        """,
    "0005_renamed": """
        migrations.RenameField("Author", "level", "grade"),
        migrations.RenameField("Author", "slug", "short"),
        migrations.RenameModel("Author", "Writer"),
        migrations.AlterModelTable("Word", "shop_word"),
        migrations.AlterModelTable("Word", None),
        migrations.AlterModelOptions("Word", {"verbose_name": "a word"}),
        """,
    "0006_keys": """
        migrations.AddIndex("Writer", models.Index(fields=["name", "-born"], name="by_name")),
        migrations.AddIndex("Writer", models.Index(fields=["pages"], name="for_a_while")),
        migrations.RemoveIndex("Writer", "for_a_while"),
        migrations.AddIndex("Writer", models.Index(Lower("name"), name="lower_name")),
        migrations.AlterUniqueTogether("Writer", {("name", "born")}),
        migrations.AlterUniqueTogether("Writer", {("name", "born", "small")}),
        migrations.AlterIndexTogether("Writer", {("pages", "small")}),
        migrations.AddConstraint("Writer", models.UniqueConstraint(fields=["name", "number"], name="one_number")),
        migrations.AddConstraint("Writer", models.CheckConstraint(check=models.Q(paid__gte=0) & ~models.Q(name="nobody"), name="paid_not_negative")),
        migrations.AddConstraint("Writer", models.CheckConstraint(check=models.Q(small__lt=100), name="for_a_while")),
        migrations.RemoveConstraint("Writer", "for_a_while"),
        """,
    "0007_references": """
        migrations.CreateModel("Publisher", [("id", models.AutoField(primary_key=True)), ("name", models.CharField(max_length=30))]),
        migrations.CreateModel("Book", [
            ("id", models.BigAutoField(primary_key=True)),
            ("title", models.CharField(max_length=80)),
            ("publisher", models.ForeignKey("shop.Publisher", models.CASCADE)),
            ("sequel_of", models.ForeignKey("self", models.SET_NULL, null=True)),
            ("writers", models.ManyToManyField("shop.Writer", related_name="books")),
        ]),
        migrations.CreateModel("Cover", [("book", models.OneToOneField("shop.Book", models.CASCADE, primary_key=True)), ("colour", models.CharField(max_length=9))]),
        migrations.AddField("Writer", "favourite", models.ForeignKey("shop.Book", models.PROTECT, null=True, related_name="+")),
        """,
    "0008_references_changed": """
        migrations.AlterField("Book", "publisher", models.ForeignKey("shop.Publisher", models.PROTECT, null=True)),
        migrations.AlterField("Publisher", "id", models.BigAutoField(primary_key=True)),
        migrations.RenameField("Book", "sequel_of", "follows"),
        migrations.AlterField("Book", "follows", models.OneToOneField("self", models.SET_NULL, null=True)),
        migrations.RenameModel("Publisher", "House"),
        migrations.AlterField("Word", "n", models.ForeignKey("shop.House", models.CASCADE, db_column="n")),
        migrations.AddField("Book", "words", models.ManyToManyField("shop.Word")),
        migrations.RemoveField("Writer", "favourite"),
        migrations.RemoveField("Writer", "remarks"),
        """,
    "0009_deleted": """
        migrations.DeleteModel("Cover"),
        migrations.RemoveField("Book", "writers"),
        migrations.RemoveField("Book", "words"),
        migrations.DeleteModel("Word"),
        """,
}

HEAD = """
import uuid
from django.db import migrations, models
from django.db.models.functions import Lower

def fill(apps, schema_editor):
    Author = apps.get_model("shop", "Author")
    Author.objects.bulk_create(Author(name=f"name {i}", mail=f"m{i}@example.org", town=None if i % 2 else "here", slug=f"s{i}") for i in range(10))

def unfill(apps, schema_editor):
    apps.get_model("shop", "Author").objects.all().delete()

class Migration(migrations.Migration):
    dependencies = DEPENDENCIES
    operations = [
"""

def set_up():
    app = FILES / "shop"
    (app / "migrations").mkdir(parents=True)
    (app / "__init__.py").write_text("")
    (app / "models.py").write_text("")
    (app / "migrations/__init__.py").write_text("")
    before = []
    for name, operations in MIGRATIONS.items():
        (app / f"migrations/{name}.py").write_text(HEAD.lstrip().replace("DEPENDENCIES", repr(before)) + textwrap.indent(textwrap.dedent(operations).strip(), " " * 8) + "\n    ]\n")
        before = [("shop", name)]
    sys.path.insert(0, str(FILES))
    sys.dont_write_bytecode = True
    server.query("CREATE DATABASE site CHARACTER SET utf8mb4")
    from django.conf import settings
    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.mysql", "NAME": "site", "USER": "root", "HOST": server.socket, "OPTIONS": {"charset": "utf8mb4"}}},
                       INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "django.contrib.admin", "django.contrib.messages", "shop"],
                       DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True, TIME_ZONE="UTC", SECRET_KEY="none", PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])
    django.setup()


set_up()
from django.core.management import call_command  # noqa: E402
from django.db import IntegrityError, connection, models, transaction  # noqa: E402
from django.db.migrations.executor import MigrationExecutor  # noqa: E402


def django_does(*words, **options):
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=out, **options)
    return out.getvalue()


def state_of(*targets):
    e = MigrationExecutor(connection)
    return e.loader.project_state(targets).apps


def check_tables(apps, labels):
    """What the server says of the tables is what the migrations' state says."""
    there = set(connection.introspection.table_names())
    seen = set()
    with connection.cursor() as cur:
        for m in apps.get_models(include_auto_created=True):
            if m._meta.app_label not in labels or not m._meta.managed:
                continue
            table = m._meta.db_table
            seen.add(table)
            columns = {c.name: c for c in connection.introspection.get_table_description(cur, table)}
            fields = m._meta.local_concrete_fields
            assert list(columns) == [f.column for f in fields] or set(columns) == {f.column for f in fields}, (table, list(columns))
            for f in fields:
                assert columns[f.column].null_ok == f.null, (table, f)
            keys = connection.introspection.get_constraints(cur, table)
            alone = {tuple(k["columns"]): k for k in keys.values() if k["unique"]}
            first = {k["columns"][0] for k in keys.values() if k["index"] and k["columns"]}
            refers = {k["columns"][0]: k["foreign_key"] for k in keys.values() if k["foreign_key"]}
            for f in fields:
                assert not f.unique or (f.column,) in alone, (table, f, keys)
                assert f.unique or (f.column,) not in alone, (table, f, keys)
                assert not f.db_index or f.column in first, (table, f, keys)
                to = getattr(f, "related_model", None)
                assert refers.get(f.column) == ((to._meta.db_table, f.target_field.column) if to else None), (table, f, refers)
            for together in m._meta.unique_together:
                assert tuple(m._meta.get_field(f).column for f in together) in alone, (table, together, keys)
            for together in m._meta.index_together:
                assert [m._meta.get_field(f).column for f in together] in [k["columns"] for k in keys.values()], (table, together, keys)
            names = {i.name for i in m._meta.indexes} | {c.name for c in m._meta.constraints}
            assert names <= set(keys), (table, names, set(keys))
            assert not {"for_a_while"} & set(keys), keys
    assert {t for t in there if t.startswith("shop")} == {t for t in seen if t.startswith("shop")}, (there, seen)


def test_own_applications():
    """auth, admin, contenttypes, sessions: forwards, users and sessions, and back."""
    django_does("migrate", "auth")
    django_does("migrate", "sessions")
    django_does("migrate", "admin")
    check_tables(state_of(("auth", "0012_alter_user_first_name_max_length"), ("sessions", "0001_initial"), ("admin", "0003_logentry_add_action_flag_choices")), ["auth", "admin", "sessions", "contenttypes"])
    from django.contrib.admin.models import ADDITION, LogEntry
    from django.contrib.auth import authenticate
    from django.contrib.auth.models import Group, Permission, User
    from django.contrib.contenttypes.models import ContentType
    from django.contrib.sessions.models import Session
    from django.contrib.sessions.backends.db import SessionStore
    django_does("createsuperuser", interactive=False, username="chief", email="chief@example.org")
    chief = User.objects.get(username="chief")
    assert chief.is_superuser and chief.date_joined.tzinfo is not None
    anna = User.objects.create_user("anna", "anna@example.org", "secret")
    assert authenticate(username="anna", password="secret") == anna and authenticate(username="anna", password="other") is None
    writers = Group.objects.create(name="writers")
    writers.permissions.set(Permission.objects.filter(content_type__app_label="auth", codename__startswith="add_"))
    anna.groups.add(writers)
    assert User.objects.get(pk=anna.pk).has_perm("auth.add_user") and not anna.has_perm("auth.delete_user")
    with transaction.atomic():
        try:
            with transaction.atomic():
                User.objects.create_user("anna")
            raise AssertionError("a second anna")
        except IntegrityError as e:
            assert e.args[0] == 1062
        User.objects.filter(pk=anna.pk).update(last_name="A")
    assert [p.codename for p in Permission.objects.filter(group__user=anna).order_by("codename")] == ["add_group", "add_permission", "add_user"]
    LogEntry.objects.log_action(anna.pk, ContentType.objects.get_for_model(User).pk, anna.pk, "anna", ADDITION, [{"added": {}}])
    assert LogEntry.objects.select_related("user", "content_type").get().user.last_name == "A"
    s = SessionStore()
    s["what"] = {"a": 1}
    s.save()
    assert SessionStore(s.session_key)["what"] == {"a": 1} and Session.objects.count() == 1
    django_does("clearsessions")
    dumped = django_does("dumpdata", "auth", "admin", "--natural-foreign")
    anna.delete()
    assert LogEntry.objects.count() == 0 and User.objects.count() == 1
    django_does("flush", interactive=False)
    assert User.objects.count() == 0
    (FILES / "all.json").write_text(dumped)
    django_does("loaddata", str(FILES / "all.json"))
    assert User.objects.get(username="anna").groups.get().name == "writers" and LogEntry.objects.count() == 1
    django_does("check", "--tag", "database", "--tag", "models", databases=["default"])
    for app in ("admin", "sessions", "auth", "contenttypes"):
        django_does("migrate", app, "zero")
    assert connection.introspection.table_names() == ["django_migrations"], connection.introspection.table_names()


def rows_of_authors(apps):
    Author = apps.get_model("shop", "Author")
    when = datetime.datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=datetime.timezone.utc)
    values = dict(name="\u00c5sa \U0001f600", mail="a@example.org", born=datetime.date(1969, 12, 31), paid=decimal.Decimal("1234567.89"), rating=1e-300, active=False, about="x" * 70000, photo=bytes(range(256)),
                  key=uuid.UUID(int=5), address="2001:db8::1", took=datetime.timedelta(days=400, microseconds=7), wakes=datetime.time(6, 30, 0, 5), pages=4294967295, small=-32768,
                  big=2 ** 64 - 1, slug="a-b", file="f/g")
    a = Author.objects.create(**values)
    a.refresh_from_db()
    for k, v in values.items():
        assert getattr(a, k) == v, (k, getattr(a, k), v)
    Author.objects.filter(pk=a.pk).update(made=when)
    assert Author.objects.filter(made__date=datetime.date(2024, 2, 29), made__year=2024, made__hour=23, rating__lt=1).get() == a
    for i in range(5):
        Author.objects.create(name=f"n{i}", mail=f"{i}@example.org", paid=i)
    assert Author.objects.filter(name__icontains="N", mail__regex="^[0-3]@").exclude(paid=2).count() == 3
    from django.db.models import Avg, Case, Count, Exists, F, OuterRef, Q, Subquery, Sum, Value, When
    from django.db.models.functions import Coalesce, Concat, ExtractMonth, Length, Lower, TruncMonth
    assert Author.objects.aggregate(s=Sum("paid"), n=Count("born"), a=Avg("small")) == {"s": decimal.Decimal("1234577.89"), "n": 1, "a": -5462.1667}
    assert list(Author.objects.annotate(m=TruncMonth("made")).filter(pk=a.pk).values_list("m", flat=True)) == [datetime.datetime(2024, 2, 1, tzinfo=datetime.timezone.utc)]
    assert Author.objects.filter(pk=a.pk).annotate(m=ExtractMonth("made"), n=Concat(Lower("mail"), Value("!")), k=Length("photo")).values_list("m", "n", "k").get() == (2, "a@example.org!", 256)
    assert list(Author.objects.annotate(w=Case(When(paid__gte=3, then=Value("much")), default=Coalesce("slug", Value("none")), output_field=models.CharField())).order_by("mail").values_list("w", flat=True)) == ["none", "none", "none", "much", "much", "much"]
    better = Author.objects.filter(paid__gt=OuterRef("paid"))
    assert Author.objects.filter(~Exists(better)).get() == a
    assert Author.objects.annotate(next=Subquery(better.order_by("paid").values("mail")[:1])).get(mail="1@example.org").next == "2@example.org"
    with transaction.atomic():
        locked = Author.objects.select_for_update(skip_locked=True).filter(Q(paid=1) | Q(paid=2)).order_by("paid")
        assert [x.mail for x in locked] == ["1@example.org", "2@example.org"]
        Author.objects.filter(paid=1).update(pages=F("pages") + 1, about=Concat("name", Value("?")))
        transaction.set_rollback(True)
    assert Author.objects.get(paid=1).pages == 0
    assert Author.objects.get_or_create(mail="0@example.org", defaults={"name": "n"})[1] is False
    Author.objects.bulk_create([Author(name="b", mail=f"{i}@example.org") for i in range(3, 9)], ignore_conflicts=True)
    assert Author.objects.count() == 10
    Author.objects.bulk_update([*Author.objects.filter(paid__in=[1, 2])][:], ["paid"])
    assert len(Author.objects.filter(paid=1).explain()) > 10
    Author.objects.all().delete()


def test_application():
    for name in MIGRATIONS:
        django_does("migrate", "shop", name)
        apps = state_of(("shop", name))
        check_tables(apps, ["shop"])
        if name == "0001_initial":
            rows_of_authors(apps)
        if name == "0003_data":
            a = apps.get_model("shop", "Author").objects.order_by("id")
            assert [(x.level, x.remarks, x.number, x.town) for x in a[:2]] == [(7, "none", a[0].id * 10, "here"), (7, "none", a[1].id * 10, None)]
        if name == "0004_altered":
            a = apps.get_model("shop", "Author").objects.order_by("id")
            assert [(x.level, x.remarks, x.number, x.town) for x in a[:2]] == [(7, "none", a[0].id * 10, "here"), (7, "none", a[1].id * 10, "nowhere")]
        if name == "0006_keys":
            Writer = apps.get_model("shop", "Writer")
            refused(3819, lambda: Writer.objects.create(name="x", mail="x", paid=-1))
            refused(1062, lambda: Writer.objects.filter(number__isnull=False).update(name="x", number=1))
            assert Writer.objects.filter(name="name 1").update(small=5) == 1
        if name == "0007_references":
            references(apps)
        if name == "0009_deleted":
            House = apps.get_model("shop", "House")
            assert [(h.id, h.name) for h in House.objects.all()] == [(1, "one")]
    for name in list(MIGRATIONS)[-2::-1]:
        django_does("migrate", "shop", name)
        check_tables(state_of(("shop", name)), ["shop"])
    django_does("migrate", "shop", "zero")
    assert connection.introspection.table_names() == ["django_migrations"], connection.introspection.table_names()


def a_model(name, **fields):
    return type(name, (models.Model,), {"__module__": "shop.models", "Meta": type("Meta", (), {"app_label": "shop", "db_table": f"shop_{name.lower()}"}), **fields})


def test_time_zones():
    """Days and hours of the zone that is current: Django has CONVERT_TZ find them."""
    from zoneinfo import ZoneInfo

    from django.db.models import Count
    from django.db.models.functions import ExtractHour, TruncDay, TruncMonth
    from django.utils import timezone
    Visit = a_model("Visit", at=models.DateTimeField())
    with connection.schema_editor() as e:
        e.create_model(Visit)
    utc, berlin, york = datetime.timezone.utc, ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
    moments = [datetime.datetime(2024, 3, 30, 22, 59, 59), datetime.datetime(2024, 3, 30, 23, 0), datetime.datetime(2024, 3, 31, 1, 30), datetime.datetime(2024, 10, 27, 0, 30), datetime.datetime(2024, 10, 27, 1, 30)]
    Visit.objects.bulk_create(Visit(at=m.replace(tzinfo=utc)) for m in moments)
    aware = [m.replace(tzinfo=utc) for m in moments]
    for zone in (berlin, york, utc):
        with timezone.override(zone):
            local = [m.astimezone(zone) for m in aware]
            assert list(Visit.objects.annotate(h=ExtractHour("at")).order_by("at").values_list("h", flat=True)) == [m.hour for m in local], zone
            for day in {m.date() for m in local}:
                assert Visit.objects.filter(at__date=day).count() == sum(m.date() == day for m in local), (zone, day)
                assert Visit.objects.filter(at__year=day.year, at__month=day.month).count() == sum((m.year, m.month) == (day.year, day.month) for m in local)
            got = Visit.objects.annotate(d=TruncDay("at")).values("d").annotate(n=Count("id")).order_by("d")
            assert [(r["d"].date(), r["n"]) for r in got] == sorted({d: [m.date() for m in local].count(d) for d in (m.date() for m in local)}.items()), zone
            assert [d.month for d in Visit.objects.datetimes("at", "month", tzinfo=zone)] == [3, 10]
    assert [r.m for r in Visit.objects.annotate(m=TruncMonth("at", tzinfo=york)).order_by("at")][0] == datetime.datetime(2024, 3, 1, tzinfo=york)
    with connection.schema_editor() as e:
        e.delete_model(Visit)


def test_json_fields():
    from django.db.models import F
    from django.db.models.fields.json import KeyTextTransform
    Paper = a_model("Paper", data=models.JSONField(null=True), title=models.CharField(max_length=20, default=""))
    with connection.schema_editor() as e:
        e.create_model(Paper)
    documents = [{"a": 1, "b": {"c": [1, 2, {"d": "x"}]}, "tags": ["red", "blue"]}, {"a": 2.5, "b": None}, {"a": "1", "\u00e4": True}, [1, 2, 3], "text", 7, None, {}]
    for i, d in enumerate(documents):
        Paper.objects.create(data=d, title=str(i))
    assert [p.data for p in Paper.objects.order_by("id")] == documents
    find = lambda **kw: sorted(int(p.title) for p in Paper.objects.filter(**kw))
    assert find(data__a=1) == [0] and find(data__a="1") == [2] and find(data__a=2.5) == [1]
    assert find(data__b__c__2__d="x") == [0] and find(data__b=None) == [1] and find(data__a__gt=1) == [1, 2]  # a text is more than any number
    assert find(data__has_key="a") == [0, 1, 2] and find(data__has_keys=["a", "b"]) == [0, 1] and find(data__has_any_keys=["tags", "\u00e4"]) == [0, 2]
    assert find(data__contains={"tags": ["red"]}) == [0] and find(data__contains=[2]) == [3] and find(data__contained_by={"a": 2.5, "b": None, "z": 1}) == [1, 7]
    assert find(data__0=1) == [3] and find(data=7) == [5] and find(data="text") == [4] and find(data={}) == [7] and find(data__b__isnull=False) == [0, 1]
    assert find(data__tags__0="red") == [0] and find(data__tags__icontains="BLUE") == [0] and find(data__a__in=[1, 2.5]) == [0, 1]
    assert [p.title for p in Paper.objects.filter(data__has_key="a").exclude(data__a="1").order_by(F("data__a").desc())] == ["1", "0"]
    assert Paper.objects.filter(title="0").annotate(t=KeyTextTransform("d", KeyTextTransform("2", "data__b__c"))).values_list("data__b__c", "t").get() == ([1, 2, {"d": "x"}], "x")
    Paper.objects.filter(title="0").update(data={"new": [1.5, "\U0001f600"]})
    assert Paper.objects.get(title="0").data == {"new": [1.5, "\U0001f600"]}
    refused(3140, lambda: connection.cursor().execute("INSERT INTO shop_paper (data, title) VALUES ('{', 'x')"))
    with connection.schema_editor() as e:
        e.delete_model(Paper)


def refused(number, what):
    try:
        with transaction.atomic():
            what()
    except Exception as e:
        assert e.args and e.args[0] == number, e
    else:
        raise AssertionError(f"not refused with {number}")


def references(apps):
    Publisher, Book, Cover, Writer = (apps.get_model("shop", n) for n in ("Publisher", "Book", "Cover", "Writer"))
    one = Publisher.objects.create(name="one")
    first = Book.objects.create(title="first", publisher=one)
    second = Book.objects.create(title="second", publisher=one, sequel_of=first)
    second.writers.add(*Writer.objects.order_by("id")[:2])
    Cover.objects.create(book=first, colour="red")
    assert Book.objects.filter(writers__name="name 0", sequel_of__cover__colour="red").select_related("publisher", "sequel_of").get().publisher == one
    assert [b.title for b in Book.objects.prefetch_related("writers").order_by("title")] == ["first", "second"]
    refused(1452, lambda: Book.objects.create(title="none", publisher_id=99))
    with connection.cursor() as cur:
        refused(1451, lambda: cur.execute("DELETE FROM shop_publisher"))
    Writer.objects.filter(name="name 3").update(favourite=first)
    Writer.objects.update(favourite=None)
    assert connection.introspection.get_relations(connection.cursor(), "shop_cover")


def test_inspectdb():
    django_does("migrate", "shop")
    text = django_does("inspectdb")
    for line in ("class ShopHouse(models.Model)", "class ShopBook(models.Model)", "title = models.CharField(max_length=80)", "wakes = models.TimeField(blank=True, null=True)", "big = models.PositiveBigIntegerField()",
                 "paid = models.DecimalField(max_digits=9, decimal_places=2)", "mail = models.CharField(unique=True, max_length=254)", "about = models.TextField()", "active = models.IntegerField()"):
        assert line in text, line + "\n" + text
    django_does("migrate", "shop", "zero")


def close_all():
    connection.close()
    server.__exit__(None, None, None)
    shutil.rmtree(FILES)


if __name__ == "__main__":
    main(globals())
