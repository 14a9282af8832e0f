# SPDX-License-Identifier: Apache-2.0
"""SQLAlchemy and alembic on PyMySQL: tables from metadata, reflected they are what they were; migrations with each operation, up and down; after each of
them alembic's comparison of metadata and server finds nothing; rows through the ORM."""
import datetime
import decimal
import io
import pathlib
import shutil
import sys
import tempfile
import textwrap

import pymysql

import quell
from harness import main

try:
    import alembic
    import sqlalchemy as sa
except ImportError as e:
    print(f"skip test_sqlalchemy: {e}")
    sys.exit(0)
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import orm
from sqlalchemy.dialects import mysql

server = quell.Server().start()
FILES = pathlib.Path(tempfile.mkdtemp(prefix="quell-alembic-"))
for name in ("kinds", "moved", "people"):
    server.query(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")


def engine_of(database):
    return sa.create_engine(sa.engine.URL.create("mysql+pymysql", username="root", database=database, query={"unix_socket": server.socket, "charset": "utf8mb4"}), future=True)


def kinds():
    m = sa.MetaData()
    sa.Table("numbers", m, sa.Column("id", sa.Integer, primary_key=True), sa.Column("tiny", mysql.TINYINT(unsigned=True)), sa.Column("small", sa.SmallInteger), sa.Column("medium", mysql.MEDIUMINT),
             sa.Column("big", sa.BigInteger, nullable=False, server_default="-5"), sa.Column("unsigned", mysql.BIGINT(unsigned=True)), sa.Column("exact", sa.Numeric(20, 6)), sa.Column("floating", sa.Float), sa.Column("double", mysql.DOUBLE),
             sa.Column("flag", sa.Boolean, server_default="0"), sa.CheckConstraint("exact > 0", name="positive"))
    sa.Table("texts", m, sa.Column("name", sa.String(30), primary_key=True), sa.Column("fixed", sa.CHAR(4), server_default="its"), sa.Column("about", sa.Text), sa.Column("long", mysql.LONGTEXT), sa.Column("bytes", sa.LargeBinary),
             sa.Column("few", sa.VARBINARY(16)), sa.Column("exactly", mysql.VARCHAR(10, collation="utf8mb4_bin")), sa.Column("remark", sa.Unicode(20), comment="a 'remark' \\ of 20%"), comment="the texts",
             mysql_engine="InnoDB", mysql_charset="utf8mb4")
    sa.Table("moments", m, sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False), sa.Column("day", sa.Date), sa.Column("at", sa.DateTime), sa.Column("exactly", mysql.DATETIME(fsp=6)), sa.Column("hour", sa.Time),
             sa.Column("changed", sa.TIMESTAMP, nullable=False, server_default=sa.text("CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP")), sa.Column("later", mysql.TIMESTAMP(fsp=3), nullable=True))
    w = sa.Table("we`ird \"t'", m, sa.Column("select", sa.Integer, primary_key=True, autoincrement=False), sa.Column("a b", sa.String(5)), sa.Column("100%", sa.Integer))
    t = sa.Table("keys", m, sa.Column("a", sa.Integer, primary_key=True), sa.Column("b", sa.String(20), primary_key=True), sa.Column("c", sa.String(300), unique=True), sa.Column("d", sa.Integer, index=True), sa.Column("e", sa.Text),
                 sa.Column("double d", sa.Integer, sa.Computed("d * 2", persisted=True)), sa.Column("virtual d", sa.Integer, sa.Computed("d + 1", persisted=False)), sa.UniqueConstraint("d", "c", name="both"))
    sa.Index("first letters", t.c.c, t.c.e, mysql_length={"c": 5, "e": 10})
    sa.Index("a b", w.c["a b"])
    sa.Index("lower_b", sa.func.lower(t.c.b))
    return m


def test_reflection():
    """create_all, reflect: the same; what is reflected can be created, and is the same again."""
    m = kinds()
    e = engine_of("kinds")
    m.create_all(e)
    m.create_all(e)  # looks what is there
    with e.connect() as c:
        i = sa.inspect(c)
        assert sorted(i.get_table_names()) == sorted(m.tables) and i.get_view_names() == []
        for t in m.tables.values():
            columns = i.get_columns(t.name)
            assert [x["name"] for x in columns] == [x.name for x in t.columns]
            for x, y in zip(columns, t.columns):
                assert x["type"].compile(e.dialect) == y.type.compile(e.dialect) or x["type"]._type_affinity is y.type._type_affinity or y.name == "flag", (t.name, x)
                assert x["nullable"] == y.nullable and x["comment"] == y.comment, (t.name, x)
            assert i.get_pk_constraint(t.name)["constrained_columns"] == [x.name for x in t.primary_key]
            assert i.get_table_comment(t.name)["text"] == t.comment
        assert [(x["name"], x["sqltext"]) for x in i.get_check_constraints("numbers")] == [("positive", "(`exact` > 0)")]
        assert {x["name"]: x["column_names"] for x in i.get_unique_constraints("keys")} == {"both": ["d", "c"], "c": ["c"]}
        assert {x["name"]: (x["column_names"], x["unique"]) for x in i.get_indexes("keys") if x["name"] != "lower_b"} == {"both": (["d", "c"], True), "c": (["c"], True), "ix_keys_d": (["d"], False),
                                                                                                                "first letters": (["c", "e"], False)}
        computed = {x["name"]: x["computed"] for x in i.get_columns("keys") if "computed" in x}
        assert computed == {"double d": {"sqltext": "((`d` * 2))", "persisted": True}, "virtual d": {"sqltext": "((`d` + 1))", "persisted": False}}, computed
        assert [x["default"] for x in i.get_columns("moments")][5] == "CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP", i.get_columns("moments")
    assert difference(e, m) == [], difference(e, m)
    again = sa.MetaData()
    again.reflect(e)
    before = {t: server.query(f"SHOW CREATE TABLE kinds.`{t.replace('`', '``')}`") for t in m.tables if t != "keys"}
    m.drop_all(e)
    assert server.query("SHOW TABLES FROM kinds") == ()
    again.create_all(e, tables=[t for t in again.tables.values() if t.name != "keys"])  # an index of expressions is not reflected by SQLAlchemy
    assert {t: server.query(f"SHOW CREATE TABLE kinds.`{t.replace('`', '``')}`") for t in before} == before
    again.drop_all(e)
    e.dispose()


def difference(engine, metadata, **options):
    with engine.connect() as c:
        # the index of an expression is one that alembic does not see
        return compare_metadata(MigrationContext.configure(c, opts={"compare_type": True, "compare_server_default": True, "include_object": lambda o, name, kind, *_: name not in ("lower_b", "alembic_version"), **options}), metadata)


REVISIONS = [
    ("first", """
        op.create_table("person", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(40), nullable=False), sa.Column("age", sa.Integer), comment="people")
        op.create_table("place", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(40)), sa.UniqueConstraint("name", name="one_place"), mysql_engine="MyISAM")
        op.bulk_insert(sa.table("person", sa.column("name"), sa.column("age")), [{"name": "anna", "age": 30}, {"name": "b'o", "age": None}])
     """, """
        op.drop_table("place")
        op.drop_table("person")
     """),
    ("columns", """
        op.add_column("person", sa.Column("town", sa.String(20), server_default="here", nullable=False))
        op.add_column("person", sa.Column("born", sa.DateTime, comment="when"))
        op.add_column("person", sa.Column("place_id", sa.Integer))
        op.add_column("person", sa.Column("next age", sa.Integer, sa.Computed("age + 1")))
        op.execute("UPDATE person SET place_id = 1 WHERE FALSE")
     """, """
        op.drop_column("person", "next age")
        op.drop_column("person", "place_id")
        op.drop_column("person", "born")
        op.drop_column("person", "town")
     """),
    ("altered", """
        op.execute("UPDATE person SET age = 0 WHERE age IS NULL")
        op.alter_column("person", "age", existing_type=sa.Integer, type_=sa.BigInteger, nullable=False, server_default="7")
        op.alter_column("person", "town", new_column_name="city", existing_type=sa.String(20), existing_nullable=False, existing_server_default="here")
        op.alter_column("person", "city", server_default=None, existing_type=sa.String(20), existing_nullable=False)
        op.alter_column("person", "born", existing_type=sa.DateTime, type_=sa.Date, comment="the day")
        op.alter_column("person", "name", existing_type=sa.String(40), type_=sa.String(200), existing_nullable=False)
        op.create_table_comment("person", "all people", existing_comment="people")
        op.rename_table("place", "spot")
     """, """
        op.rename_table("spot", "place")
        op.create_table_comment("person", "people", existing_comment="all people")
        op.alter_column("person", "name", existing_type=sa.String(200), type_=sa.String(40), existing_nullable=False)
        op.alter_column("person", "born", existing_type=sa.Date, type_=sa.DateTime, comment="when")
        op.alter_column("person", "city", new_column_name="town", existing_type=sa.String(20), existing_nullable=False, server_default="here")
        op.alter_column("person", "age", existing_type=sa.BigInteger, type_=sa.Integer, nullable=True, server_default=None)
     """),
    ("keys", """
        op.create_index("by_name", "person", ["name", "age"])
        op.create_index("by_prefix", "person", ["name"], mysql_length=4)
        op.create_index("one_in_town", "person", ["city", "name"], unique=True)
        op.create_unique_constraint("one_born", "person", ["born", "name"])
        op.create_check_constraint("grown", "person", "age >= 0 and city <> ''")
        op.create_check_constraint("short", "person", sa.func.char_length(sa.column("city")) < 20)
        op.drop_constraint("one_place", "spot", type_="unique")
        op.execute("ALTER TABLE spot ENGINE=InnoDB")
     """, """
        op.execute("ALTER TABLE spot ENGINE=MyISAM")
        op.create_unique_constraint("one_place", "spot", ["name"])
        op.drop_constraint("short", "person", type_="check")
        op.drop_constraint("grown", "person", type_="check")
        op.drop_constraint("one_born", "person", type_="unique")
        op.drop_index("one_in_town", "person")
        op.drop_index("by_prefix", "person")
        op.drop_index("by_name", "person")
     """),
    ("references", """
        op.create_foreign_key("lives", "person", "spot", ["place_id"], ["id"], ondelete="SET NULL", onupdate="CASCADE")
        op.add_column("person", sa.Column("boss", sa.Integer, sa.ForeignKey("person.id", name="works_for")))
        op.create_table("visit", sa.Column("person_id", sa.Integer, sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True), sa.Column("spot_id", sa.Integer, sa.ForeignKey("spot.id"), primary_key=True))
     """, """
        op.drop_table("visit")
        op.drop_constraint("works_for", "person", type_="foreignkey")
        op.drop_index("works_for", "person")
        op.drop_column("person", "boss")
        op.drop_constraint("lives", "person", type_="foreignkey")
        op.drop_index("lives", "person")
     """),
    ("gone", """
        op.drop_constraint("one_born", "person", type_="unique")
        op.drop_column("person", "born")
        op.drop_index("by_name", "person")
        op.create_index("by_name", "person", ["city"])
     """, """
        op.drop_index("by_name", "person")
        op.create_index("by_name", "person", ["name", "age"])
        op.add_column("person", sa.Column("born", sa.Date, comment="the day"))
        op.create_unique_constraint("one_born", "person", ["born", "name"])
     """),
]

ENV = '''
from alembic import context
c = context.config.attributes["connection"]
context.configure(connection=c, target_metadata=None)
with context.begin_transaction():
    context.run_migrations()
'''


def final(*without):
    """What is there after the last revision."""
    m = sa.MetaData()
    columns = [sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(200), nullable=False), sa.Column("age", sa.BigInteger, nullable=False, server_default="7"), sa.Column("city", sa.String(20), nullable=False),
               sa.Column("place_id", sa.Integer, sa.ForeignKey("spot.id", name="lives", ondelete="SET NULL", onupdate="CASCADE")), sa.Column("next age", sa.Integer, sa.Computed("(`age` + 1)"))]
    columns.append(sa.Column("boss", sa.Integer, sa.ForeignKey("person.id", name="works_for")))
    person = sa.Table("person", m, *columns, comment="all people")
    sa.Table("spot", m, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(40)))
    sa.Table("visit", m, sa.Column("person_id", sa.Integer, sa.ForeignKey("person.id", ondelete="CASCADE"), primary_key=True), sa.Column("spot_id", sa.Integer, sa.ForeignKey("spot.id"), primary_key=True))
    sa.Index("by_name", person.c.city)
    sa.Index("by_prefix", person.c.name, mysql_length=4)
    sa.Index("one_in_town", person.c.city, person.c.name, unique=True)
    return m


def definitions(database):
    return {t: server.query(f"SHOW CREATE TABLE {database}.{t}")[0][1] for (t,) in server.query(f"SHOW TABLES FROM {database}") if t != "alembic_version"}


def test_migrations():
    scripts = FILES / "scripts"
    (scripts / "versions").mkdir(parents=True)
    (scripts / "env.py").write_text(ENV)
    before, revisions = None, REVISIONS
    for name, up, down in revisions:
        (scripts / f"versions/{name}.py").write_text(f"import sqlalchemy as sa\nfrom alembic import op\nrevision = {name!r}\ndown_revision = {before!r}\n\n"
                                                     f"def upgrade():\n{textwrap.indent(textwrap.dedent(up).strip(), '    ')}\n\ndef downgrade():\n{textwrap.indent(textwrap.dedent(down).strip(), '    ')}\n")
        before = name
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(scripts))
    e = engine_of("moved")
    with e.connect() as c:
        config.attributes["connection"] = c
        states = [{}]
        for name, _, _ in revisions:
            command.upgrade(config, name)
            c.commit()
            states.append(definitions("moved"))
            if name == "altered":
                assert server.query("SELECT id, name, age, city, `next age` FROM moved.person") == ((1, "anna", 30, "here", 31), (2, "b'o", 0, "here", 1))
        assert difference(e, final()) == [], difference(e, final())
        assert server.query("SELECT version_num FROM moved.alembic_version") == ((revisions[-1][0],),)
        for sql in ("INSERT INTO moved.visit VALUES (1, 77)", "UPDATE moved.person SET boss = 77"):
            try:
                server.query(sql, autocommit=True)
                raise AssertionError(sql)
            except pymysql.MySQLError as x:
                assert x.args[0] == 1452, x
        command.upgrade(config, "head")  # nothing to do
        for i in range(len(revisions) - 1, -1, -1):
            command.downgrade(config, revisions[i - 1][0] if i else "base")
            c.commit()
            assert same_but_order(definitions("moved"), states[i]), (revisions[i], definitions("moved"), states[i])
        command.upgrade(config, "head")
        c.commit()
        assert difference(e, final()) == []
        command.downgrade(config, "base")
        c.commit()
    assert server.query("SHOW TABLES FROM moved") == (("alembic_version",),)
    e.dispose()


def same_but_order(a, b):
    """A column that came back stands behind the others."""
    return {t: sorted(x.strip(",") for x in text.split("\n")) for t, text in a.items()} == {t: sorted(x.strip(",") for x in text.split("\n")) for t, text in b.items()}


def test_rows():
    Base = orm.declarative_base()

    class Person(Base):
        __tablename__ = "person"
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(50), nullable=False, index=True)
        paid = sa.Column(sa.Numeric(10, 2), nullable=False, server_default="0")
        when = sa.Column(mysql.DATETIME(fsp=6))
        notes = orm.relationship("Note", back_populates="person", order_by="Note.id", cascade="all, delete-orphan", primaryjoin="foreign(Note.person_id) == Person.id")

    class Note(Base):
        __tablename__ = "note"
        id = sa.Column(sa.Integer, primary_key=True)
        person_id = sa.Column(sa.Integer, sa.ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True)
        text = sa.Column(sa.Text)
        person = orm.relationship("Person", back_populates="notes", primaryjoin="foreign(Note.person_id) == Person.id")

    e = engine_of("people")
    Base.metadata.create_all(e)
    when = datetime.datetime(2024, 2, 29, 23, 59, 59, 123456)
    with orm.Session(e, future=True) as s:
        s.add_all(Person(name=f"p{i} \U0001f600", paid=decimal.Decimal(i) / 4, when=when, notes=[Note(text="x" * i), Note(text=None)]) for i in range(1, 6))
        s.commit()
        p = s.scalars(sa.select(Person).where(Person.name.like("p3%")).options(orm.selectinload(Person.notes))).one()
        assert (p.id, p.name, p.paid, p.when, [n.text for n in p.notes]) == (3, "p3 \U0001f600", decimal.Decimal("0.75"), when, ["xxx", None])
        rows = s.execute(sa.select(Person.id, sa.func.count(Note.text), sa.func.sum(sa.func.char_length(Note.text))).join(Note, Note.person_id == Person.id).group_by(Person.id).having(sa.func.count(Note.id) > 1).order_by(Person.id.desc()).limit(2)).all()
        assert rows == [(5, 1, 5), (4, 1, 4)], rows
        del p.notes[0]
        p.paid += 1
        s.flush()
        with s.begin_nested() as inner:
            try:
                s.execute(sa.insert(Person).values(id=3, name="again"))
                raise AssertionError("a second 3")
            except sa.exc.IntegrityError as x:
                assert x.orig.args[0] == 1062
                inner.rollback()
        s.commit()
        assert s.scalar(sa.select(sa.func.count()).select_from(Note)) == 9
        s.execute(mysql.insert(Person.__table__).values(id=3, name="put").on_duplicate_key_update(name="put", paid=7))
        assert s.execute(sa.select(Person.name, Person.paid).where(Person.id == 3).with_for_update(skip_locked=True)).one() == ("put", 7)
        s.rollback()
        s.delete(s.get(Person, 1))
        s.commit()
        high = sa.select(Person.id, Person.paid).where(Person.paid > 0.5).cte("high")
        assert s.scalar(sa.select(sa.func.sum(high.c.paid))) == decimal.Decimal("4.00")
        assert s.execute(sa.select(Person.id).union_all(sa.select(Note.id)).order_by("id").limit(3)).scalars().all() == [2, 3, 3]
        assert [p.id for p in s.scalars(sa.select(Person).where(sa.exists().where(Note.person_id == Person.id, Note.text.is_(None))).order_by(Person.id))] == [2, 3, 4, 5]
        assert s.execute(sa.update(Person).where(Person.id.in_([2, 3])).values(paid=Person.paid * 2)).rowcount == 2
        assert s.execute(sa.delete(Note).where(Note.text == None)).rowcount == 4  # noqa: E711
        s.commit()
    levels = []
    for level in ("READ COMMITTED", "SERIALIZABLE", "REPEATABLE READ"):
        with e.connect().execution_options(isolation_level=level) as c:
            levels.append(c.get_isolation_level())
    assert levels == ["READ COMMITTED", "SERIALIZABLE", "REPEATABLE READ"]
    Base.metadata.drop_all(e)
    e.dispose()


def close_all():
    server.__exit__(None, None, None)
    shutil.rmtree(FILES)


if __name__ == "__main__":
    main(globals())
