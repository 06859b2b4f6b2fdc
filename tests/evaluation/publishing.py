"""Known posts, published by the programs that make feeds, pages, exports, mailboxes and web archives.

Each function that publishes takes posts and a folder to work in, and returns a `Site`. It raises
FileNotFoundError if its program is not installed. In Debian, the programs are in the packages pelican,
jekyll, ruby-jekyll-feed, ruby-jekyll-seo-tag, jekyll-theme-minima, ikiwiki, libtimedate-perl, hugo, php-cli,
php-mysql, mariadb-server-core, mariadb-client-core and wget; `wacz` is a package of Python.
"""

from __future__ import annotations

import html
import itertools
import json
import mailbox
import random
import re
import subprocess
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from urllib.request import urlopen

from tests.evaluation.peers import Extracted
from tests.fixtures.serving import serving_files, until

ADDRESS = "http://localhost:8808"
_AUTHORS = ("Ada Quist", "Børge Lund", "Chloé Marchand", "David O'Neill", "Élodie Roux")
_TAGS = ("harbour", "town hall", "schools", "weather")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~^$@!+-])")


@dataclass(frozen=True)
class Post:
    """An article whose text, title, author and date are known."""

    name: str
    title: str
    author: str
    date: datetime
    tags: tuple[str, ...]
    paragraphs: tuple[str, ...]

    @property
    def expected(self) -> Extracted:
        """The article that a program should find."""
        return Extracted([*self.paragraphs], self.title, f"{self.date:%Y-%m-%d}", (self.author,))

    @property
    def markdown(self) -> str:
        """The paragraphs, in Markdown."""
        return "\n\n".join(_SPECIAL.sub(r"\\\1", text) for text in self.paragraphs) + "\n"

    @property
    def html(self) -> str:
        """The paragraphs, in HTML."""
        return "\n".join(f"<p>{html.escape(text, quote=False)}</p>" for text in self.paragraphs)


@dataclass
class Site:
    """The output of a publishing program: feeds and exports by name, pages by post, and files to crawl."""

    name: str
    feeds: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, bytes] = field(default_factory=dict)
    exports: dict[str, bytes] = field(default_factory=dict)
    folder: Path | None = None


def make_posts(paragraphs: Iterable[str], count: int, seed: int) -> list[Post]:
    """Return posts of three to nine of the paragraphs each; the titles are the first words of others."""
    chance = random.Random(seed)
    pool = sorted(set(paragraphs))
    chance.shuffle(pool)
    texts = itertools.cycle(pool)
    posts = []
    for number in range(count):
        title = " ".join(re.findall(r"[^\W\d_]+", next(texts))[:7])
        date = datetime(2019, 3, 1, 12, 30, tzinfo=UTC) + timedelta(days=chance.randrange(2000))
        body = tuple(itertools.islice(texts, chance.randint(3, 9)))
        tags = tuple(chance.sample(_TAGS, 2))
        if number % 4 == 0:
            title += " & more"
        posts.append(Post(f"p{number}", title, chance.choice(_AUTHORS), date, tags, body))
    return posts


def publish_with_pelican(posts: Sequence[Post], folder: Path) -> Site:
    """Publish the posts with Pelican and the theme that it comes with."""
    content, site = folder / "content", folder / "site"
    for post in posts:
        head = (
            f"Title: {post.title}\nDate: {post.date:%Y-%m-%d %H:%M}\nAuthor: {post.author}\n"
            f"Tags: {', '.join(post.tags)}\nSlug: {post.name}\n\n"
        )
        _write(content / f"{post.name}.md", head + post.markdown)
    _write(
        folder / "conf.py",
        f"AUTHOR = 'the editor'\nSITENAME = 'The Harbour'\nSITEURL = '{ADDRESS}'\nRELATIVE_URLS = True\n"
        f"FEED_DOMAIN = '{ADDRESS}'\nFEED_ALL_ATOM = 'all.atom'\nFEED_ALL_RSS = 'all.rss'\n"
        "TIMEZONE = 'UTC'\nRSS_FEED_SUMMARY_ONLY = False\n",
    )
    _run("pelican", "-q", "-s", "conf.py", "-o", "site", "content", cwd=folder)
    feeds = {f"pelican.{name}": (site / f"all.{name}").read_bytes() for name in ("atom", "rss")}
    return Site(
        "pelican", feeds, {post.name: (site / f"{post.name}.html").read_bytes() for post in posts}, {}, site
    )


def publish_with_jekyll(posts: Sequence[Post], folder: Path) -> Site:
    """Publish the posts with Jekyll, its theme Minima and its plugin for feeds."""
    for post in posts:
        fields = {"title": post.title, "author": post.author, "tags": post.tags, "layout": "post"}
        head = {**fields, "date": f"{post.date:%Y-%m-%d %H:%M:%S} +0000"}
        path = folder / "_posts" / f"{post.date:%Y-%m-%d}-{post.name}.md"
        _write(path, _front_matter(head) + post.markdown)
    _write(
        folder / "_config.yml",
        f"title: The Harbour\nurl: {ADDRESS}\ntheme: minima\n"
        "plugins: [jekyll-feed]\nfeed: {posts_limit: 99}\n",
    )
    _run("jekyll", "build", "-q", cwd=folder)
    site = folder / "_site"
    pages = {post.name: next(site.rglob(f"{post.name}.html")).read_bytes() for post in posts}
    return Site("jekyll", {"jekyll.atom": (site / "feed.xml").read_bytes()}, pages, {}, site)


def publish_with_ikiwiki(posts: Sequence[Post], folder: Path) -> Site:
    """Publish the posts with ikiwiki, as a blog."""
    for post in posts:
        title = html.escape(post.title)
        head = (
            f'[[!meta title="{title}"]]\n[[!meta author="{post.author}"]]\n'
            f'[[!meta date="{post.date:%Y-%m-%d %H:%M:%S} +0000"]]\n\n'
        )
        _write(folder / "source" / f"{post.name}.mdwn", head + post.markdown)
    _write(folder / "source" / "index.mdwn", '[[!inline pages="p*" show=0]]\n')
    _run(
        "ikiwiki", "source", "site", "--rss", "--atom", "--url", ADDRESS, "--wikiname", "Harbour", cwd=folder
    )
    site = folder / "site"
    feeds = {f"ikiwiki.{name}": (site / f"index.{name}").read_bytes() for name in ("atom", "rss")}
    return Site(
        "ikiwiki",
        feeds,
        {post.name: (site / post.name / "index.html").read_bytes() for post in posts},
        {},
        site,
    )


_JSON_FEED = """{ "version": "https://jsonfeed.org/version/1.1", "title": {{ .Site.Title | jsonify }},
 "items": [{{ range $number, $page := .Site.RegularPages }}{{ if $number }},{{ end }}
 { "id": {{ .Permalink | jsonify }}, "title": {{ .Title | jsonify }}, "url": {{ .Permalink | jsonify }},
   "authors": [{ "name": {{ .Params.author | jsonify }} }], "content_html": {{ .Content | jsonify }},
   "date_published": {{ .Date.Format "2006-01-02T15:04:05Z07:00" | jsonify }} }{{ end }}] }
"""


def publish_with_hugo(posts: Sequence[Post], folder: Path) -> Site:
    """Publish the posts as the feeds of Hugo: its RSS, which has summaries, and JSON by a template."""
    for post in posts:
        head = {"title": post.title, "date": post.date.isoformat(), "author": post.author}
        # Its RSS has what comes before this mark.
        text = f"{_front_matter(head)}{post.markdown}\n<!--more-->\n"
        _write(folder / "content" / "posts" / f"{post.name}.md", text)
    config = {"baseURL": ADDRESS, "title": "The Harbour", "outputs": {"home": ["RSS", "JSON"]}}
    _write(folder / "config.json", json.dumps(config))
    _write(folder / "layouts" / "index.json", _JSON_FEED)
    _run("hugo", "--quiet", cwd=folder)
    public = folder / "public"
    return Site(
        "hugo",
        {"hugo.rss": (public / "index.xml").read_bytes(), "hugo.json": (public / "index.json").read_bytes()},
    )


_WORDPRESS_CONFIG = """<?php
define('DB_NAME', 'wp'); define('DB_USER', 'root'); define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:%s'); define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', '');
define('WP_HTTP_BLOCK_EXTERNAL', true); define('WP_SITEURL', '%s'); define('WP_HOME', '%s');
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""
_WORDPRESS_POSTS = """<?php
$_SERVER += ['HTTP_HOST' => 'localhost', 'SERVER_PROTOCOL' => 'HTTP/1.1', 'REQUEST_METHOD' => 'GET'];
define('WP_INSTALLING', true);
function wp_new_blog_notification() {}
require 'wp-load.php';
require_once 'wp-admin/includes/upgrade.php';
require_once 'wp-admin/includes/export.php';
wp_install('The Harbour', 'admin', 'admin@example.org', true, '', 'none');
wp_delete_post(1, true);
switch_theme('twentytwentyone');
update_option('posts_per_rss', 99);
foreach (json_decode(file_get_contents($argv[1]), true) as $post) {
    $author = username_exists($post['login']) ?: wp_insert_user(
        ['user_login' => $post['login'], 'user_pass' => 'none', 'display_name' => $post['author']]);
    wp_insert_post([
        'post_title' => $post['title'], 'post_name' => $post['name'], 'post_status' => $post['status'],
        'post_content' => $post['html'], 'post_date' => $post['date'], 'post_author' => $author,
        'tags_input' => $post['tags']], true);
}
export_wp();
"""


def publish_with_wordpress(posts: Sequence[Post], folder: Path) -> Site:
    """Publish the posts, and two drafts, with the WordPress in the folder, a database and PHP's server."""
    wordpress, data, socket = folder / "wordpress", folder / "data", folder / "socket"
    options = ("--no-defaults", "--user=root", f"--datadir={data}")
    _run("mariadb-install-db", *options, "--auth-root-authentication-method=normal", cwd=folder)
    config = wordpress / "wp-config.php"
    config.unlink(missing_ok=True)
    config.write_text(_WORDPRESS_CONFIG % (socket, ADDRESS, ADDRESS))
    (wordpress / "make-posts.php").write_text(_WORDPRESS_POSTS)
    logins = {author: f"user{number}" for number, author in enumerate(_AUTHORS)}
    statuses = [*(["publish"] * len(posts)), "draft", "draft"]
    records = [
        {
            "name": post.name,
            "title": post.title,
            "html": post.html,
            "tags": post.tags,
            "status": status,
            "author": post.author,
            "login": logins[post.author],
            "date": f"{post.date:%Y-%m-%d %H:%M:%S}",
        }
        for post, status in zip([*posts, *posts[:2]], statuses, strict=True)
    ]
    (folder / "posts.json").write_text(json.dumps(records))
    database = subprocess.Popen(
        ["mariadbd", *options, f"--socket={socket}", "--skip-networking"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = None
    try:
        until(socket.exists)
        _run(
            "mariadb",
            "--no-defaults",
            "-S",
            str(socket),
            "-u",
            "root",
            "-e",
            "create database wp",
            cwd=folder,
        )
        export = _run("php", "make-posts.php", str(folder / "posts.json"), cwd=wordpress)
        server = subprocess.Popen(
            ["php", "-S", ADDRESS.removeprefix("http://")],
            cwd=wordpress,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(partial(_answers, f"{ADDRESS}/?feed=rss2"))
        feeds = {"wordpress.rss": _get("/?feed=rss2"), "wordpress.atom": _get("/?feed=atom")}
        return Site(
            "wordpress",
            feeds,
            {post.name: _get(f"/?name={post.name}") for post in posts},
            {"wordpress.xml": export},
        )
    finally:
        for process in (server, database):
            if process:
                process.terminate()
                process.wait()


def _answers(address: str) -> bool:
    try:
        urlopen(address).close()
    except OSError:
        return False
    return True


def _get(path: str) -> bytes:
    with urlopen(ADDRESS + path) as answer:
        content: bytes = answer.read()
        return content


PROGRAMS = (
    publish_with_pelican,
    publish_with_jekyll,
    publish_with_ikiwiki,
    publish_with_hugo,
    publish_with_wordpress,
)


def crawl(site: Path, folder: Path) -> dict[str, Path]:
    """Return web archives of a folder of pages by suffix; one is a WACZ if the program `wacz` is there."""
    options = ("-q", "--recursive", "--level=inf", "--page-requisites", "-P", "copy", "-e", "robots=off")
    with serving_files(site) as address:
        for name, more in (("packed", ()), ("plain", ("--no-warc-compression",))):
            # It answers 8 when a page was not there, which a real site has, too.
            command = ["wget", *options, *more, f"--warc-file={name}", address]
            subprocess.run(command, cwd=folder, check=False)
    archives = {".warc.gz": folder / "packed.warc.gz", ".warc": folder / "plain.warc"}
    try:
        _run("wacz", "create", "-o", "crawl.wacz", "packed.warc.gz", cwd=folder)
        archives[".wacz"] = folder / "crawl.wacz"
    except FileNotFoundError:
        pass
    return archives


def make_mails(posts: Sequence[Post]) -> list[EmailMessage]:
    """Return a mail for each post, which answers the one before in a form that programs use."""
    forms = itertools.cycle(_FORMS)
    pairs = zip(posts, [posts[-1], *posts[:-1]], forms, strict=False)
    return [_make_mail(post, before, form) for post, before, form in pairs]


def write_mailbox(mails: Iterable[EmailMessage], path: Path) -> None:
    """Write the mails as one mailbox."""
    box = mailbox.mbox(path)
    for mail in mails:
        box.add(mail)
    box.close()


def _make_mail(post: Post, before: Post, form: Callable[[Post, Post], str]) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"{post.author} <{_address(post)}>"
    mail["To"] = f"{before.author} <{_address(before)}>"
    mail["Subject"] = post.title
    mail["Date"] = format_datetime(post.date)
    mail["Message-ID"] = f"<{post.name}@example.org>"
    mail.set_content(form(post, before))
    if form is _answer_in_html:
        quoted = f'<blockquote class="gmail_quote">{before.html}</blockquote>'
        mail.add_alternative(
            f'<div dir="ltr">{post.html}</div><br><div class="gmail_quote"><div class="gmail_attr">'
            f"{html.escape(_attribution(before))}<br></div>{quoted}</div>",
            subtype="html",
        )
    return mail


def _address(post: Post) -> str:
    return f"{post.author.split()[0].lower().encode('ascii', 'ignore').decode()}@example.org"


def _attribution(post: Post) -> str:
    return f"On {post.date:%a, %-d %b %Y at %H:%M}, {post.author} <{_address(post)}> wrote:"


def _wrap(paragraphs: Iterable[str], prefix: str = "") -> str:
    fill = partial(
        textwrap.fill, width=72, initial_indent=prefix, subsequent_indent=prefix, break_long_words=False
    )
    return f"\n{prefix.rstrip()}\n".join(map(fill, paragraphs))


def _write_new(post: Post, _: Post) -> str:
    return f"{_wrap(post.paragraphs)}\n\n-- \n{post.author}\nHarbour office, room 12\n"


def _answer_above(post: Post, before: Post) -> str:
    return f"{_wrap(post.paragraphs)}\n\n{_attribution(before)}\n\n{_wrap(before.paragraphs, '> ')}\n"


def _answer_below(post: Post, before: Post) -> str:
    return f"{_attribution(before)}\n{_wrap(before.paragraphs[:2], '> ')}\n\n{_write_new(post, before)}"


def _answer_between(post: Post, before: Post) -> str:
    quoted = itertools.cycle(before.paragraphs)
    parts = (f"{_wrap([next(quoted)], '> ')}\n\n{_wrap([text])}" for text in post.paragraphs)
    return f"{before.author} wrote:\n" + "\n\n".join(parts) + "\n"


def _answer_as_outlook(post: Post, before: Post) -> str:
    head = (
        f"From: {before.author} <{_address(before)}>\nSent: {before.date:%A, %B %-d, %Y %-I:%M %p}\n"
        f"To: {post.author} <{_address(post)}>\nSubject: {before.title}\n"
    )
    text = "\n\n".join(post.paragraphs)
    return f"{text}\n\n-----Original Message-----\n{head}\n" + "\n\n".join(before.paragraphs) + "\n"


def _answer_in_german(post: Post, before: Post) -> str:
    attribution = f"Am {before.date:%d.%m.%Y} um {before.date:%H:%M} schrieb {before.author}:"
    return f"{_wrap(post.paragraphs)}\n\n{attribution}\n{_wrap(before.paragraphs, '> ')}\n"


def _answer_in_html(post: Post, before: Post) -> str:
    return _answer_above(post, before)


_FORMS = (
    *(_write_new, _answer_above, _answer_below, _answer_between),
    *(_answer_as_outlook, _answer_in_german, _answer_in_html),
)


def _front_matter(fields: Mapping[str, object]) -> str:
    # JSON is YAML.
    return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items()) + "---\n\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _run(*command: str, cwd: Path) -> bytes:
    """Return what a program writes; raises FileNotFoundError or CalledProcessError."""
    return subprocess.run(
        command, cwd=cwd, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ).stdout
