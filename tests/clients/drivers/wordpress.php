<?php
// SPDX-License-Identifier: Apache-2.0
// Usage: wordpress.php ROOT SOCKET install|use     (test_wordpress.py: prints what the site answers, a line each)
[, $root, $socket, $step] = $argv;
$_SERVER += ["HTTP_HOST" => "example.org", "SERVER_NAME" => "example.org", "REQUEST_URI" => "/", "REQUEST_METHOD" => "GET", "SERVER_PROTOCOL" => "HTTP/1.1"];
foreach (["DB_NAME" => "wordpress", "DB_USER" => "root", "DB_PASSWORD" => "", "DB_HOST" => "localhost:$socket", "DB_CHARSET" => "utf8mb4", "DB_COLLATE" => "",
          "WP_DEBUG" => true, "WP_DEBUG_DISPLAY" => true, "DISABLE_WP_CRON" => true, "WP_HTTP_BLOCK_EXTERNAL" => true, "ABSPATH" => "$root/",
          "WP_CONTENT_DIR" => "$root/wp-content", "AUTH_KEY" => "a", "SECURE_AUTH_KEY" => "b", "LOGGED_IN_KEY" => "c", "NONCE_KEY" => "d", "AUTH_SALT" => "e",
          "SECURE_AUTH_SALT" => "f", "LOGGED_IN_SALT" => "g", "NONCE_SALT" => "h"] as $name => $value) {
    define($name, $value);
}
$table_prefix = "wp_";
if ($step === "install") {
    define("WP_INSTALLING", true);
}
require ABSPATH . "wp-settings.php";

function say(...$words) {
    echo implode(" ", array_map(fn($w) => is_scalar($w) ? var_export($w, true) : json_encode($w), $words)), "\n";
}

function fine($result) {
    global $wpdb;
    if (is_wp_error($result)) {
        fwrite(STDERR, $result->get_error_message() . " " . $wpdb->last_error . "\n");
        exit(1);
    }
    return $result;
}

function no_mail() {
    return true;
}
add_filter("pre_wp_mail", "no_mail");
if ($step === "install") {
    require ABSPATH . "wp-admin/includes/upgrade.php";
    $installed = wp_install("A site", "admin", "admin@example.org", true, "", "secret");
    say("installed", $installed["user_id"]);
    say("again", dbDelta("all", false)); // the tables are as the schema says: nothing to be done
    exit;
}
$authors = [];
foreach (["ann", "bob", "çelik"] as $name) {
    $authors[] = fine(wp_insert_user(["user_login" => sanitize_user($name, true) . "x", "display_name" => $name, "user_pass" => "p", "user_email" => md5($name) . "@example.org", "role" => "author"]));
}
$red = fine(wp_insert_term("Red things", "category"));
$blue = fine(wp_insert_term("Blue things", "category", ["parent" => $red["term_id"]]));
for ($i = 1; $i <= 40; $i++) {
    $id = fine(wp_insert_post([
        "post_title" => "Post $i " . ($i % 4 ? "about apples" : "über Äpfel 🍏"), "post_content" => str_repeat("Text $i with words. ", $i) . ($i % 7 ? "" : "needle"),
        "post_status" => $i % 10 ? "publish" : "draft", "post_author" => $authors[$i % 3], "post_date" => sprintf("2024-%02d-%02d 10:00:%02d", $i % 12 + 1, $i % 28 + 1, $i),
        "post_category" => [$i % 2 ? $red["term_id"] : $blue["term_id"]], "tags_input" => ["t" . $i % 5, "all"], "meta_input" => ["price" => $i * 3 % 17, "colour" => $i % 2 ? "red" : "blue"],
    ], true));
    if ($i % 3 === 0) {
        foreach ([1, 2] as $n) {
            fine(wp_insert_comment(["comment_post_ID" => $id, "comment_author" => "c$n", "comment_content" => "Comment $n of $i", "comment_approved" => $n === 1 ? 1 : 0, "comment_date" => "2024-05-01 00:00:0$n"]));
        }
    }
}
$titles = fn($q) => array_map(fn($p) => $p->post_title, $q->posts);
foreach ([
    ["s" => "needle"], ["s" => "äpfel"], ["s" => "apples -needle", "posts_per_page" => 5], ["paged" => 2, "posts_per_page" => 7], ["author" => $authors[1], "order" => "ASC"],
    ["category_name" => "red-things"], ["cat" => $blue["term_id"], "posts_per_page" => 3], ["tag" => "t3"], ["tag_slug__and" => ["t3", "all"]],
    ["meta_key" => "price", "orderby" => "meta_value_num title", "order" => "DESC", "posts_per_page" => 6], ["date_query" => [["year" => 2024, "month" => 3]]],
    ["meta_query" => [["key" => "price", "value" => [3, 9], "compare" => "BETWEEN", "type" => "NUMERIC"], ["key" => "colour", "value" => "red"]], "orderby" => "title"],
    ["tax_query" => ["relation" => "OR", ["taxonomy" => "post_tag", "field" => "slug", "terms" => "t1"], ["taxonomy" => "category", "field" => "term_id", "terms" => $blue["term_id"], "operator" => "NOT IN"]], "orderby" => "ID"],
    ["post_status" => ["draft", "publish"], "orderby" => "comment_count ID", "posts_per_page" => 4], ["post__not_in" => [1, 2, 3, 4, 5], "orderby" => ["post_author" => "ASC", "post_date" => "DESC"], "posts_per_page" => 4],
] as $n => $query) {
    $q = new WP_Query($query);
    say("query", $n, $q->found_posts, $q->max_num_pages, $titles($q));
}
say("counts", wp_count_posts(), wp_count_comments(), count_users());
say("terms", array_map(fn($t) => "$t->name $t->count $t->parent", get_terms(["taxonomy" => ["category", "post_tag"], "hide_empty" => false, "orderby" => "name"])));
say("archives", wp_get_archives(["echo" => false, "format" => "custom", "show_post_count" => true]));
say("comments", array_map(fn($c) => $c->comment_content, get_comments(["status" => "approve", "orderby" => "comment_ID", "number" => 5, "offset" => 2])));
$some = get_posts(["numberposts" => 3, "orderby" => "ID", "order" => "ASC", "offset" => 5]);
foreach ($some as $n => $p) {
    fine(wp_update_post(["ID" => $p->ID, "post_title" => "Changed $n", "post_content" => "New text $n"], true));
    update_post_meta($p->ID, "price", "100$n");
}
say("revisions", array_map(fn($p) => count(wp_get_post_revisions($p->ID)), $some));
wp_trash_post($some[0]->ID);
wp_delete_post($some[1]->ID, true);
say("left", wp_count_posts(), get_post_meta($some[2]->ID));
update_option("an_option", ["a" => 1, "b" => [true, null, "ü"]]);
wp_cache_flush();
say("option", get_option("an_option"), get_option("blogname"));
set_transient("soon", "x", 100);
say("transient", get_transient("soon"), delete_transient("soon"), get_transient("soon"));
say("login", is_wp_error(wp_authenticate("admin", "secret")), is_wp_error(wp_authenticate("admin", "wrong")));
require ABSPATH . "wp-admin/includes/user.php";
say("deleted", wp_delete_user($authors[0], $authors[1]), count_user_posts($authors[1]));
say("error", $wpdb->last_error);
