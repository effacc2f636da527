"""Names as people of West Java bear them. Nobody in particular is meant."""

from __future__ import annotations

BOYS = (
    "Ahmad", "Aditya", "Agung", "Akbar", "Alif", "Arif", "Asep", "Bagas", "Bayu", "Cecep",
    "Dafa", "Dede", "Dimas", "Fadil", "Fahri", "Faisal", "Farel", "Gilang", "Hafiz", "Haikal",
    "Iqbal", "Irfan", "Jajang", "Kamil", "Luthfi", "Malik", "Naufal", "Rafa", "Raihan",
    "Rangga", "Rasya", "Rendi", "Reza", "Rizki", "Salman", "Syahrul", "Taufik", "Ujang",
    "Wahyu", "Yusuf", "Zaki",
)  # fmt: skip
GIRLS = (
    "Aisyah", "Alya", "Amira", "Anisa", "Aulia", "Azzahra", "Citra", "Dewi", "Dinda", "Elsa",
    "Fatimah", "Fitri", "Hana", "Indah", "Intan", "Kayla", "Keisha", "Khadijah", "Laila",
    "Lestari", "Maryam", "Mutiara", "Nabila", "Nadia", "Naila", "Nayla", "Nurul", "Putri",
    "Raisa", "Rania", "Rara", "Salma", "Salsabila", "Siti", "Sofia", "Syifa", "Tiara", "Wulan",
    "Yasmin", "Zahra",
)  # fmt: skip
SECOND = (
    "Ramadhan", "Pratama", "Nugraha", "Maulana", "Permana", "Saputra", "Hidayat", "Firmansyah",
    "Kurniawan", "Setiawan", "Gunawan", "Wijaya", "Suryana", "Rahmat", "Hakim", "Ardiansyah",
)  # fmt: skip
SECOND_OF_GIRLS = (
    "Azkia", "Rahmawati", "Oktaviani", "Permata", "Kirana", "Maharani", "Safitri", "Nuraini",
    "Khairunnisa", "Anggraeni", "Puspita", "Ramadhani", "Handayani", "Amalia", "Zakia",
    "Salsabila",
)  # fmt: skip
MOTHERS = (
    "Ai Nurhayati", "Ani Suryani", "Cucu Rohaeti", "Dedeh Kurniasih", "Dewi Lestari",
    "Eka Yulianti", "Elis Lisnawati", "Enok Sumiati", "Euis Komariah", "Fitri Handayani",
    "Hani Nuraeni", "Heni Herlina", "Iis Aisyah", "Ika Kartika", "Imas Masitoh",
    "Kokom Komalasari", "Lilis Suryani", "Lina Marlina", "Mimin Mintarsih", "Neneng Hasanah",
    "Nina Herlina", "Nia Kurnia", "Nurlaela", "Popon Sopiah", "Rina Agustina", "Rini Anggraeni",
    "Rohimah", "Santi Susanti", "Siti Maesaroh", "Sri Wahyuni", "Sumiyati", "Tati Rohayati",
    "Teti Sutihat", "Titin Kartini", "Wiwin Winarti", "Yani Mulyani", "Yayah Rokayah",
    "Yeni Maryani", "Yuli Yuliani", "Yuyun Yuningsih",
)  # fmt: skip
FATHERS = (
    "Aang Suhendar", "Ade Sutisna", "Agus Salim", "Asep Saepudin", "Bambang Irawan",
    "Dadan Hamdani", "Dadang Suherman", "Deni Ramdani", "Dian Herdiana", "Endang Sutarya",
    "Eman Sulaeman", "Hendra Gunawan", "Iwan Setiawan", "Jajang Nurjaman", "Jaka Permana",
    "Kosasih", "Maman Abdurahman", "Nana Suryana", "Oman Rohman", "Rahmat Hidayat",
    "Roni Hermawan", "Sopian", "Tatang Sutarman", "Ujang Koswara", "Wawan Setiawan",
    "Yana Mulyana", "Yayan Sopyan",
)  # fmt: skip
CADRES = (
    "Bu Euis", "Bu Imas", "Bu Neneng", "Bu Lilis", "Bu Tati", "Bu Wiwin", "Bu Yayah", "Bu Cucu",
    "Bu Kokom", "Bu Rohimah", "Bu Santi", "Bu Popon",
)  # fmt: skip
HAMLETS = (
    "Kp. Cibodas", "Kp. Pasir Angin", "Kp. Sukamulya", "Kp. Babakan", "Kp. Cikupa",
    "Kp. Ranca Bolang", "Jl. Melati", "Jl. Balai Desa", "Jl. Kebon Kalapa", "Gg. Masjid",
)  # fmt: skip
